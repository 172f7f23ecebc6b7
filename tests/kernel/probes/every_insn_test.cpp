// SPDX-License-Identifier: GPL-2.0-only
// Probed = unprobed: a probe on each instruction in turn, and on all at once, must change nothing
// that the guest can see.
#include <map>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cpu/decode.hpp"
#include "kernel/probes/kprobes.hpp"
#include "tests/kernel/probes/bare_guest.hpp"

// clang-format off
TRAPGATE_GUEST_CODE(sampler, R"(
        cli
        mov $3, %r12d
    1:  mov data_a(%rip), %rax          # RIP-relative load
        add $5, %rax
        mov %rax, data_b(%rip)          # ... store
        cmpl $0x7f, data_a(%rip)        # ... displacement before an immediate
        lea data_a(%rip), %rsi
        movups (%rsi), %xmm1
        incq data_c(%rip)
        push %rax
        push $-3
        pop %rcx
        pop %rdx
        pushf
        pop %rbx
        push %rbx
        popf
        cld
        call square                     # CALL rel32
        lea square(%rip), %r11
        call *%r11                      # CALL *reg with REX
        lea add_one(%rip), %rdx
        call *%rdx
        call pops_args
        cmp $9, %rax
        jb 2f                           # both outcomes over the rounds
        jmp 3f
    2:  nop
    3:  js far_away
    4:  mov $4, %ecx
    5:  inc %r8
        loop 5b
        mov $5, %ecx
    6:  cmp $2, %ecx
        loopne 6b
        mov $3, %ecx
        xor %eax, %eax
    7:  test %eax, %eax
        loope 7b
        jrcxz 8f
        inc %r9
    8:  mov $2, %ecx
    7:  addr32 loop 7b
        lea 9f(%rip), %rdi
        jmp *%rdi                       # JMP *reg
        ud2
    9:  lea data_buffer(%rip), %rdi
        mov $24, %ecx
        mov $0x5a, %al
        rep stosb
        mov $77, %eax
        xor %edx, %edx
        mov $10, %ebx
        div %ebx
        imul $3, %eax, %r13d
        cmovz %r8, %r13
        setc %r14b
        bswap %r13d
        shl $3, %r13
        shld $5, %rax, %r13
        bt $3, %r13
        adc $0, %r14
        lock cmpxchg %r14, data_c(%rip)
        xchg %r14, %r15
        enter $16, $0
        leave
        stc
        sbb %r10, %r10
        std
        cld
        fld1
        fstp %st
        movq %rax, %xmm0
        paddd %xmm0, %xmm1
        movd %xmm1, %edx
        mov %cr0, %rbx
        endbr64
        nopw 0(%rax,%rax,1)
        dec %r12d
        jnz 1b                          # JCC rel32, backwards
        hlt
    square:
        imul %rax, %rax
        ret
    add_one:
        inc %rax
        rep ret
    pops_args:
        sub $16, %rsp                   # room that RET $16 takes away
        mov 16(%rsp), %rcx
        mov %rcx, (%rsp)
        ret $16
    far_away:
        jmp 4b
    data_a: .quad 0x7f, 3
    data_b: .quad 0
    data_c: .quad 41
    data_buffer: .fill 24, 1, 0
    )");
// clang-format on

namespace trapgate::kernel {
namespace {

using test::BareGuest;

/// Instruction starts before the data, and how often the unprobed run comes by.
struct Listing {
    std::vector<GuestVa> starts;
    std::map<GuestVa, std::uint64_t> visits;
    BareGuest::Outcome outcome;
    std::uint64_t instructions = 0;
};

constexpr std::size_t kDataBytes = 16 + 8 + 8 + 24;

BareGuest make_guest() { return {sampler_begin, sampler_end}; }

Listing list_guest() {
    Listing out;
    const auto size = static_cast<std::size_t>(sampler_end - sampler_begin) - kDataBytes;
    const std::span code(reinterpret_cast<const std::byte*>(sampler_begin), size);
    for (std::size_t at = 0; at < size;) {
        out.starts.push_back(BareGuest::kCode + at);
        at += cpu::decode(code.subspan(at))->length;
    }
    BareGuest whole = make_guest();
    EXPECT_EQ(whole.run().reason, emu::StopReason::Dead);
    out.outcome = whole.outcome();
    out.instructions = whole.machine().counters().instructions;
    BareGuest steps = make_guest();
    std::uint64_t limit = 0;
    while (limit < out.instructions) {
        ++out.visits[steps.machine().cpu().rip()];
        steps.run(++limit);
    }
    return out;
}

const Listing& listing() {
    static const Listing kListing = list_guest();
    return kListing;
}

/// HLT is the end of the run, not part of the sample.
bool is_sample(const emu::Machine& machine, GuestVa va) {
    return emu::read_value<std::uint8_t>(machine, va) != 0xf4;
}

std::string describe(const emu::Machine& machine, GuestVa va) {
    std::vector<std::byte> bytes(cpu::kMaxInsnBytes);
    EXPECT_TRUE(machine.read(va, bytes));
    return fmt::format("{:#x}: {}", va.value, cpu::format_insn(*cpu::decode(bytes), va));
}

KprobeSpec spec_at(GuestVa va, bool with_post_handler) {
    KprobeSpec spec;
    spec.address = va;
    spec.pre_handler = [](Kprobe&, ProbeRegs&) { return 0; };
    if (with_post_handler) {
        spec.post_handler = [](Kprobe&, ProbeRegs&) {};
    }
    return spec;
}

class EveryInsn : public ::testing::TestWithParam<bool> {};

TEST_P(EveryInsn, ProbedAloneLeavesTheRunAsItWas) {
    std::size_t probed = 0;
    for (const GuestVa va : listing().starts) {
        BareGuest guest = make_guest();
        const std::string text = describe(guest.machine(), va);
        Kprobes kprobes(guest.machine());
        const Result<KprobeHandle> probe = kprobes.register_kprobe(spec_at(va, GetParam()));
        if (!is_sample(guest.machine(), va)) {
            continue;
        }
        if (!probe) {
            EXPECT_EQ(probe.error().linux_errno, EILSEQ) << text << probe.error().message();
            continue;  // ud2
        }
        ++probed;
        EXPECT_EQ(guest.run().reason, emu::StopReason::Dead) << text;
        const auto visits = listing().visits.find(va);
        EXPECT_EQ((*probe)->hits(), visits == listing().visits.end() ? 0 : visits->second) << text;
        EXPECT_EQ((*probe)->nmissed(), 0U) << text;
        EXPECT_TRUE(guest.outcome() == listing().outcome) << text;
        EXPECT_FALSE(kprobes.running()) << text;
    }
    EXPECT_EQ(probed, listing().starts.size() - 2);  // all but ud2 and hlt
}

TEST_P(EveryInsn, ProbedTogetherLeaveTheRunAsItWas) {
    BareGuest guest = make_guest();
    Kprobes kprobes(guest.machine());
    std::vector<KprobeHandle> probes;
    for (const GuestVa va : listing().starts) {
        if (is_sample(guest.machine(), va)) {
            if (auto probe = kprobes.register_kprobe(spec_at(va, GetParam()))) {
                probes.push_back(std::move(*probe));
            }
        }
    }
    EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
    EXPECT_TRUE(guest.outcome() == listing().outcome);
    for (const KprobeHandle& probe : probes) {
        const auto visits = listing().visits.find(probe->address());
        EXPECT_EQ(probe->hits(), visits == listing().visits.end() ? 0 : visits->second)
            << probe->where();
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryInsn, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "WithPostHandler" : "Plain"; });

TEST(EveryInsnUnprobed, UnregisteringRestoresEveryByteAndFreesEverySlot) {
    BareGuest guest = make_guest();
    {
        Kprobes kprobes(guest.machine());
        std::vector<KprobeHandle> probes;
        for (const GuestVa va : listing().starts) {
            if (auto probe = kprobes.register_kprobe(spec_at(va, false))) {
                probes.push_back(std::move(*probe));
            }
        }
        EXPECT_GT(probes.size(), 80U);
    }
    EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
    EXPECT_TRUE(guest.outcome() == listing().outcome);
    EXPECT_EQ(guest.machine().counters().instructions, listing().instructions);
}

}  // namespace
}  // namespace trapgate::kernel

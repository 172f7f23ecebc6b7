// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/kretprobe.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/probes/kprobes.hpp"
#include "tests/kernel/probes/bare_guest.hpp"

// clang-format off
TRAPGATE_GUEST_CODE(callers, R"(
        mov $3, %edi                # caller_main
        call 2f
        mov %rax, %r12
        mov $4, %edi
        call 3f
        mov %rax, %r13
        mov $5, %ebx
    1:  mov %rsp, %rbp
        call 4f                     # goes on below all the same
    7:  dec %ebx
        jnz 1b
        mov $2, %edi
        call 2f
        mov %rax, %r14
        hlt
        .org callers_begin + 0x40
    2:  cmp $1, %edi                # factorial
        jbe 5f
        push %rdi
        dec %edi
        call 2b
        pop %rdi
        imul %rdi, %rax
        ret
    5:  mov $1, %eax
        ret
        .org callers_begin + 0x60
    3:  jmp 2b                      # forward
        .org callers_begin + 0x70
    4:  sub $24, %rsp               # escape: leaves as longjmp does
        mov %rbp, %rsp
        jmp 7b
    )");
// clang-format on

namespace trapgate::kernel {
namespace {

using cpu::Gpr;
using test::BareGuest;

constexpr GuestVa kMain = BareGuest::kCode;
constexpr GuestVa kFactorial = kMain + 0x40;

class KretprobeTest : public ::testing::Test {
protected:
    KretprobeTest()
        : guest(callers_begin, callers_end,
                {{"caller_main", kMain, 0x40, 'T'},
                 {"factorial", kFactorial, 0x20, 'T'},
                 {"forward", kFactorial + 0x20, 0x10, 'T'},
                 {"escape", kFactorial + 0x30, 0x10, 'T'}}),
          kprobes(guest.machine()) {}

    KretprobeHandle probe(KretprobeSpec spec) {
        Result<KretprobeHandle> made = kprobes.register_kretprobe(std::move(spec));
        EXPECT_TRUE(made.has_value()) << made.error().message();
        return made ? std::move(*made) : KretprobeHandle{};
    }
    Error refusal(KretprobeSpec spec) {
        const Result<KretprobeHandle> made = kprobes.register_kretprobe(std::move(spec));
        EXPECT_FALSE(made.has_value());
        return made ? Error{} : made.error();
    }
    void run_to_end() {
        EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
        EXPECT_FALSE(kprobes.running());
        EXPECT_EQ(gpr(Gpr::R12), 6U);
        EXPECT_EQ(gpr(Gpr::R13), 24U);
        EXPECT_EQ(gpr(Gpr::R14), 2U);
    }
    std::uint64_t gpr(Gpr index) { return guest.machine().cpu().gpr(index); }
    std::uint64_t stack_word(GuestVa va) {
        return emu::read_value<std::uint64_t>(guest.machine(), va).value_or(0);
    }

    BareGuest guest;
    Kprobes kprobes;
};

TEST_F(KretprobeTest, SeesEveryReturnOfARecursionWithItsData) {
    std::vector<std::uint64_t> results;
    const KretprobeHandle factorial = probe(
        {.symbol = "factorial",
         .entry_handler =
             [](KretprobeInstance& call, ProbeRegs& regs) {
                 EXPECT_EQ(call.data().size(), 8U);
                 EXPECT_EQ(call.data()[0], std::byte{0});
                 const std::uint64_t argument = regs.argument(0);
                 std::memcpy(call.data().data(), &argument, sizeof argument);
                 return 0;
             },
         .handler =
             [&](KretprobeInstance& call, ProbeRegs& regs) {
                 std::uint64_t argument = 0;
                 std::memcpy(&argument, call.data().data(), sizeof argument);
                 EXPECT_EQ(regs.ip(), call.return_address());
                 EXPECT_FALSE(emu::ProbeWindow::text_contains(call.return_address()));
                 results.push_back(argument * 1000 + regs.return_value());
             },
         .data_bytes = 8});
    EXPECT_EQ(factorial->maxactive(), 10U);
    run_to_end();
    EXPECT_EQ(results,
              (std::vector<std::uint64_t>{1001, 2002, 3006, 1001, 2002, 3006, 4024, 1001, 2002}));
    EXPECT_EQ(factorial->hits(), 9U);
    EXPECT_EQ(factorial->nmissed(), 0U);
    EXPECT_EQ(factorial->active(), 0U);
}

TEST_F(KretprobeTest, ATailCallRunsBothHandlersLastEntryFirst) {
    std::string order;
    std::vector<GuestVa> to;
    const auto note = [&](char c) {
        return [&order, &to, c](KretprobeInstance& call, ProbeRegs& regs) {
            order += c;
            if (regs.return_value() == 24) {
                to.push_back(call.return_address());
            }
        };
    };
    const KretprobeHandle forward = probe({.symbol = "forward", .handler = note('f')});
    const KretprobeHandle factorial = probe({.symbol = "factorial", .handler = note('n')});
    const KretprobeHandle second = probe({.symbol = "factorial", .handler = note('s')});
    run_to_end();
    EXPECT_EQ(order,
              "snsnsn"
              "snsnsnsnf"
              "snsn");
    ASSERT_EQ(to.size(), 3U);
    EXPECT_EQ(to[0], to[2]);
    EXPECT_EQ(to[0], kprobes.original_rip(to[0]));
}

TEST_F(KretprobeTest, CountsCallsThatFindNoFreeInstance) {
    const KretprobeHandle factorial = probe({.symbol = "factorial", .maxactive = 2});
    run_to_end();
    // Depths 3, 4 and 2.
    EXPECT_EQ(factorial->exhausted(), 1U + 2U);
    EXPECT_EQ(factorial->nmissed(), 3U);
    EXPECT_EQ(factorial->hits(), 6U);
}

TEST_F(KretprobeTest, AnEntryHandlerMaySkipTheReturn) {
    const KretprobeHandle odd = probe(
        {.symbol = "factorial", .entry_handler = [](KretprobeInstance&, ProbeRegs& regs) {
             return regs.argument(0) % 2 == 0 ? 1 : 0;
         }});
    run_to_end();
    EXPECT_EQ(odd->hits(), 2U + 2U + 1U);
    EXPECT_EQ(odd->nmissed(), 0U);
}

TEST_F(KretprobeTest, FramesThatNeverReturnGiveTheirInstancesBack) {
    const KretprobeHandle escape = probe({.symbol = "escape", .maxactive = 1});
    const KretprobeHandle factorial = probe({.symbol = "factorial", .maxactive = 1});
    run_to_end();
    EXPECT_EQ(escape->entry().hits(), 5U);
    EXPECT_EQ(escape->hits(), 0U);
    EXPECT_EQ(escape->nmissed(), 0U);  // each call found the one instance free again
    EXPECT_GT(factorial->hits(), 0U);
}

TEST_F(KretprobeTest, StackReadsShowTheRealReturnAddress) {
    GuestVa place;
    std::uint64_t at_entry = 0;
    std::uint64_t inside = 0;
    std::uint32_t half = 0;
    const KretprobeHandle factorial = probe(
        {.symbol = "factorial", .entry_handler = [&](KretprobeInstance& call, ProbeRegs& regs) {
             if (regs.argument(0) == 3 && place.value == 0) {
                 place = regs.sp();
                 at_entry = stack_word(place);
                 EXPECT_EQ(call.return_address().value, at_entry);
             } else if (place.value != 0 && inside == 0) {
                 inside = stack_word(place);
                 half = emu::read_value<std::uint32_t>(guest.machine(), place + 4).value();
                 const auto pa = guest.machine().translate(place).value();
                 const auto raw = guest.machine().memory().read<std::uint64_t>(pa).value();
                 EXPECT_TRUE(emu::ProbeWindow::text_contains(GuestVa{raw}));
                 EXPECT_EQ(kprobes.original_rip(GuestVa{raw}).value, at_entry);
             }
             return 0;
         }});
    run_to_end();
    EXPECT_NE(at_entry, 0U);
    EXPECT_EQ(inside, at_entry);
    EXPECT_EQ(half, at_entry >> 32);
}

TEST_F(KretprobeTest, UnregisteringInTheMiddleOfCallsLeavesNoTrace) {
    for (std::uint64_t limit = 1; limit < 60; ++limit) {
        BareGuest other(callers_begin, callers_end,
                        {{"caller_main", kMain, 0x40, 'T'}, {"factorial", kFactorial, 0x20, 'T'}});
        Kprobes probes(other.machine());
        auto first = probes.register_kretprobe({.symbol = "factorial"}).value();
        auto second = probes.register_kretprobe({.symbol = "factorial"}).value();
        other.run(limit);
        if (limit % 2 == 0) {
            first.reset();
        }
        second.reset();
        other.run(limit + 5);
        first.reset();
        EXPECT_EQ(other.run().reason, emu::StopReason::Dead);
        EXPECT_EQ(other.machine().cpu().gpr(Gpr::R13), 24U) << limit;
    }
}

TEST_F(KretprobeTest, WorksWhenItsOwnReturnInstructionIsProbed) {
    const KretprobeHandle factorial = probe({.symbol = "factorial"});
    std::vector<KprobeHandle> probes;
    for (std::uint64_t offset = 0; offset < 0x20; ++offset) {
        if (auto made = kprobes.register_kprobe({.symbol = "factorial", .offset = offset})) {
            probes.push_back(std::move(*made));
        }
    }
    EXPECT_GE(probes.size(), 9U);
    run_to_end();
    EXPECT_EQ(factorial->hits(), 9U);
}

TEST_F(KretprobeTest, AGuestHandlerMayFinishLater) {
    const auto text = guest.machine().window().allocate_text(16).value();
    ASSERT_TRUE(guest.machine().map_window());
    const std::array<std::uint8_t, 4> code{0x49, 0xff, 0xc7, 0xcc};  // inc %r15; int3
    guest.machine().write_text(text, 0, std::as_bytes(std::span(code)));
    std::function<void()> continuation;
    GuestVa back;
    guest.machine().add_window_trap(text.va + 3, [&](emu::Machine& machine) {
        machine.cpu().set_rip(back);
        std::exchange(continuation, nullptr)();
    });
    const GuestReturnHandler detour = [&](KretprobeInstance&, ProbeRegs& regs,
                                          std::function<void()> done) {
        back = regs.ip();
        continuation = std::move(done);
        regs.set_ip(text.va);
    };
    const KretprobeHandle a = probe({.symbol = "factorial", .guest_handler = detour});
    const KretprobeHandle b = probe({.symbol = "forward", .guest_handler = detour});
    run_to_end();
    EXPECT_EQ(gpr(Gpr::R15), 10U);
    EXPECT_EQ(a->nmissed() + b->nmissed(), 0U);
}

TEST_F(KretprobeTest, RefusesWithLinuxsNumbers) {
    EXPECT_EQ(refusal({.symbol = "factorial", .offset = 3}).linux_errno, EINVAL);
    EXPECT_EQ(refusal({.symbol = "nothing"}).linux_errno, ENOENT);
    EXPECT_EQ(refusal({.symbol = "factorial", .data_bytes = 4097}).linux_errno, E2BIG);
    EXPECT_EQ(refusal({.symbol = "factorial", .maxactive = 4097}).linux_errno, E2BIG);
    EXPECT_TRUE(kprobes.all().empty());
}

TEST_F(KretprobeTest, HandlesMayOutliveTheirKprobes) {
    auto other = std::make_unique<Kprobes>(guest.machine());
    KretprobeHandle handle = std::move(*other->register_kretprobe({.symbol = "factorial"}));
    guest.run(6);
    other.reset();
    run_to_end();
    EXPECT_EQ(handle->hits(), 0U);
}

}  // namespace
}  // namespace trapgate::kernel

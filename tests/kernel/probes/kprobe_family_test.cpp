// SPDX-License-Identifier: GPL-2.0-only
// The rest of the register_kprobe family: faults, unsafe places, batches, jprobes, notifiers.
#include <cerrno>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/probes/jprobe.hpp"
#include "kernel/probes/kprobes.hpp"
#include "tests/kernel/probes/bare_guest.hpp"

// clang-format off
TRAPGATE_GUEST_CODE(family, R"(
        mov $0x1234, %eax           # family_main
        lea 3f(%rip), %rbx
        mov $1, %ecx
        mov $2, %edi
        mov $3, %esi
        pushq $8
        pushq $7
        .org family_begin + 0x20, 0x90
        call *4f(%rip)              # +0x20, 6 bytes
        call *-8(%rbx,%rcx,8)       # +0x26, 4
        jmp *(%rbx)                 # +0x2a, 2
        ud2
        .org family_begin + 0x30
    1:  add $1, %r12                # family_callee
        ret
        .org family_begin + 0x40
    2:  mov (%rax), %rdx            # family_end: faults
        hlt
        .org family_begin + 0x50
    3:  .quad 0xffffffff80010040
    4:  .quad 0xffffffff80010030
    )");
// clang-format on

namespace trapgate::kernel {
namespace {

using cpu::Gpr;
using test::BareGuest;

constexpr GuestVa kMain = BareGuest::kCode;
constexpr GuestVa kCallee = kMain + 0x30;
constexpr GuestVa kEnd = kMain + 0x40;

class KprobeFamilyTest : public ::testing::Test {
protected:
    KprobeFamilyTest()
        : guest(family_begin, family_end,
                {{"family_main", kMain, 0x30, 'T'},
                 {"family_callee", kCallee, 0x10, 'T'},
                 {"family_end", kEnd, 0x10, 'T'}}),
          kprobes(guest.machine()) {}
    KprobeHandle probe(KprobeSpec spec) {
        Result<KprobeHandle> made = kprobes.register_kprobe(std::move(spec));
        EXPECT_TRUE(made.has_value()) << made.error().message();
        return made ? std::move(*made) : KprobeHandle{};
    }
    std::uint64_t gpr(Gpr index) { return guest.machine().cpu().gpr(index); }

    BareGuest guest;
    Kprobes kprobes;
};

TEST_F(KprobeFamilyTest, AFaultHandlerMayRepairWhatTheInstructionNeeds) {
    for (const bool post : {false, true}) {
        BareGuest other(family_begin, family_end, {{"family_end", kEnd, 0x10, 'T'}});
        Kprobes probes(other.machine());
        int faults = 0;
        KprobeSpec spec{.symbol = "family_end"};
        if (post) {
            spec.post_handler = [](Kprobe&, ProbeRegs&) {};
        }
        spec.fault_handler = [&](Kprobe& at, ProbeRegs& regs, const emu::ExceptionEvent& event) {
            ++faults;
            EXPECT_EQ(regs.ip(), at.address());
            EXPECT_EQ(event.vector, static_cast<std::uint8_t>(cpu::Vector::PageFault));
            EXPECT_EQ(event.cr2, 0x1234U);
            regs.set(Gpr::Rax, BareGuest::kStackBottom.value);
            return 1;
        };
        const auto end = probes.register_kprobe(std::move(spec));
        ASSERT_TRUE(end.has_value()) << end.error().message();
        other.machine().cpu().set_rip(kEnd);
        other.machine().cpu().set_gpr(Gpr::Rax, 0x1234);
        EXPECT_EQ(other.run().reason, emu::StopReason::Dead);
        EXPECT_EQ(faults, 1);
        EXPECT_EQ((*end)->hits(), 2U);  // The instruction was repeated.
        EXPECT_FALSE(probes.running());
    }
}

TEST_F(KprobeFamilyTest, TheGuestAndNotifiersSeeAFaultAtTheOriginalAddress) {
    std::vector<GuestVa> seen;
    const unsigned all = kprobes.add_exception_notifier(
        [&](const emu::ExceptionEvent& event, ProbeRegs&) {
            seen.push_back(event.rip);
            return false;
        });
    const unsigned faults = kprobes.add_page_fault_notifier(
        [&](const emu::ExceptionEvent&, ProbeRegs& regs) {
            regs.set_ip(kEnd + 3);  // the HLT behind
            return true;
        });
    int asked = 0;
    KprobeSpec spec{.symbol = "family_end"};
    spec.fault_handler = [&](Kprobe&, ProbeRegs&, const emu::ExceptionEvent&) {
        ++asked;
        return 0;
    };
    const KprobeHandle end = probe(std::move(spec));
    guest.machine().cpu().set_rip(kEnd);
    guest.machine().cpu().set_gpr(Gpr::Rax, 0x1234);
    EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
    EXPECT_EQ(seen, std::vector<GuestVa>{kEnd});
    EXPECT_EQ(asked, 1);
    kprobes.remove_notifier(all);
    kprobes.remove_notifier(faults);

    BareGuest other(family_begin, family_end, {{"family_end", kEnd, 0x10, 'T'}});
    Kprobes probes(other.machine());
    const auto without_handler = probes.register_kprobe({.symbol = "family_end"});
    ASSERT_TRUE(without_handler.has_value());
    other.machine().cpu().set_rip(kEnd);
    other.machine().cpu().set_gpr(Gpr::Rax, 0x1234);
    EXPECT_EQ(other.run().reason, emu::StopReason::TripleFault);  // It has no IDT.
}

TEST_F(KprobeFamilyTest, UnsafePlacesAreProbedOnDemand) {
    for (const std::uint64_t offset : {0x20U, 0x26U, 0x2aU}) {
        const auto refused = kprobes.register_kprobe({.symbol = "family_main", .offset = offset});
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().linux_errno, EOPNOTSUPP);
    }
    std::vector<KprobeHandle> probes;
    for (const std::uint64_t offset : {0x20U, 0x26U, 0x2aU}) {
        probes.push_back(probe({.symbol = "family_main", .offset = offset, .unsafe = true}));
    }
    const unsigned notifier = kprobes.add_page_fault_notifier(
        [&](const emu::ExceptionEvent& event, ProbeRegs& regs) {
            EXPECT_EQ(event.rip, kEnd);
            regs.set_ip(kEnd + 3);
            return true;
        });
    // The second call goes to family_end, whose HLT comes first.
    EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
    kprobes.remove_notifier(notifier);
    EXPECT_EQ(gpr(Gpr::R12), 1U);
    EXPECT_EQ(probes[0]->hits(), 1U);
    EXPECT_EQ(probes[1]->hits(), 1U);
    EXPECT_EQ(emu::read_value<std::uint64_t>(guest.machine(), GuestVa{gpr(Gpr::Rsp)}),
              (kMain + 0x2a).value);
}

TEST_F(KprobeFamilyTest, AJumpThroughMemoryGoesWhereItWould) {
    const KprobeHandle jump = probe({.symbol = "family_main", .offset = 0x2a, .unsafe = true});
    guest.machine().cpu().set_rip(kMain + 0x2a);
    guest.machine().cpu().set_gpr(Gpr::Rbx, (kMain + 0x50).value);
    guest.machine().cpu().set_gpr(Gpr::Rax, BareGuest::kStackBottom.value);
    EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
    EXPECT_EQ(jump->hits(), 1U);
    EXPECT_EQ(guest.machine().cpu().rip(), kEnd + 4);
}

TEST_F(KprobeFamilyTest, ABatchThatFailsInTheMiddleLeavesNothing) {
    const auto failed = kprobes.register_kprobes(
        {{.symbol = "family_main"}, {.symbol = "family_callee"}, {.symbol = "nothing"}});
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().linux_errno, ENOENT);
    EXPECT_TRUE(kprobes.all().empty());
    const auto returns = kprobes.register_kretprobes(
        {{.symbol = "family_main"}, {.symbol = "family_callee", .offset = 4}});
    ASSERT_FALSE(returns.has_value());
    EXPECT_EQ(returns.error().linux_errno, EINVAL);
    EXPECT_TRUE(kprobes.all().empty());
    const auto made = kprobes.register_kprobes(
        {{.symbol = "family_main"}, {.symbol = "family_callee"}});
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(kprobes.all().size(), 2U);
}

TEST_F(KprobeFamilyTest, AJprobeGetsTheFunctionsTypedArguments) {
    enum class Colour : std::uint8_t { Red = 2 };
    std::vector<std::uint64_t> seen;
    auto handler = [&](Colour colour, std::int16_t three, std::uint64_t, std::uint64_t,
                       std::uint64_t, std::uint64_t, int seventh, GuestVa eighth) {
        EXPECT_EQ(colour, Colour::Red);
        EXPECT_EQ(three, 3);
        seen = {static_cast<std::uint64_t>(seventh), eighth.value};
    };
    const auto callee = register_jprobe(kprobes, "family_callee", handler);
    ASSERT_TRUE(callee.has_value()) << callee.error().message();
    const auto second = register_jprobe(kprobes, "family_callee", [](int) {});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().linux_errno, EEXIST);
    const KprobeHandle plain = probe({.symbol = "family_callee"});
    guest.run(12);
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{7, 8}));
    EXPECT_EQ(plain->hits(), 1U);
    std::optional<std::uint64_t> pointed;
    const auto end = register_jprobe(kprobes, "family_end",
                                     [&](GuestPointer<std::uint64_t> p) { pointed = p.read(); });
    ASSERT_TRUE(end.has_value());
    guest.machine().cpu().set_rip(kEnd);
    guest.machine().cpu().set_gpr(Gpr::Rdi, (kMain + 0x50).value);
    guest.machine().cpu().set_gpr(Gpr::Rax, BareGuest::kStackBottom.value);
    guest.run();
    EXPECT_EQ(pointed, kEnd.value);
}

TEST_F(KprobeFamilyTest, GetsOutOfTheWayOfAGuestThatRewritesTheInstruction) {
    const KprobeHandle callee = probe({.symbol = "family_callee"});
    const std::byte two{2};  // add $2, %r12
    const GuestPa pa = guest.machine().translate(kCallee + 3).value();
    guest.machine().memory().view(pa, 1)[0] = two;
    guest.machine().cpu().set_rip(kCallee);
    guest.run(1);
    EXPECT_TRUE(callee->gone());
    EXPECT_EQ(callee->hits(), 0U);
    EXPECT_EQ(gpr(Gpr::R12), 0U);
    guest.run(3);
    EXPECT_EQ(gpr(Gpr::R12), 2U);
}

TEST_F(KprobeFamilyTest, AnInt3ThatIsNotOursBelongsToTheGuest) {
    const KprobeHandle callee = probe({.symbol = "family_callee"});
    std::vector<std::uint8_t> vectors;
    kprobes.add_exception_notifier([&](const emu::ExceptionEvent& event, ProbeRegs& regs) {
        vectors.push_back(event.vector);
        EXPECT_EQ(regs.ip(), kEnd + 1);
        regs.set_ip(kEnd + 3);
        return true;
    });
    const std::byte int3{0xcc};
    ASSERT_TRUE(guest.machine().write(kEnd, std::span(&int3, 1)));
    guest.machine().cpu().set_rip(kEnd);
    EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
    EXPECT_EQ(vectors, std::vector<std::uint8_t>{3});
}

}  // namespace
}  // namespace trapgate::kernel

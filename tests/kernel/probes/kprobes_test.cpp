// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/kprobes.hpp"

#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernel/probes/bare_guest.hpp"

// clang-format off
TRAPGATE_GUEST_CODE(counter, R"(
        mov $5, %ebx                # guest_main+0x0, 5 bytes
    1:  mov %rbx, %rdi              # +0x5, 3
        mov $2, %esi                # +0x8, 5
        call 2f                     # +0xd, 5
        dec %ebx                    # +0x12, 2
        jnz 1b                      # +0x14, 2
        hlt                         # +0x16, 1
        ud2                         # +0x17, 2
        iretq                       # +0x19, 2
        mov %ax, %ss                # +0x1b, 2
        nop                         # +0x1d, 1
    2:  add %rdi, %rsi              # guest_add+0x0, 3
        add %rsi, %r12              # +0x3, 3
        lea (%rdi,%rsi), %rax       # +0x6, 4
        ret                         # +0xa, 1
    )");
// clang-format on

namespace trapgate::kernel {
namespace {

using cpu::Gpr;
using test::BareGuest;

constexpr std::uint64_t kMainBytes = 0x1e;
constexpr GuestVa kMain = BareGuest::kCode;
constexpr GuestVa kAdd = kMain + kMainBytes;

std::vector<emu::Symbol> symbols(std::vector<emu::Symbol> more = {}) {
    std::vector<emu::Symbol> out{{"guest_main", kMain, kMainBytes, 'T'},
                                 {"guest_add", kAdd, 11, 'T'}};
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

class KprobeTest : public ::testing::Test {
protected:
    explicit KprobeTest(std::vector<emu::Symbol> more = {})
        : guest(counter_begin, counter_end, symbols(std::move(more))), kprobes(guest.machine()) {}

    KprobeHandle probe(KprobeSpec spec) {
        Result<KprobeHandle> made = kprobes.register_kprobe(std::move(spec));
        EXPECT_TRUE(made.has_value()) << made.error().message();
        return made ? std::move(*made) : KprobeHandle{};
    }
    KprobeHandle probe(const std::string& symbol, PreHandler pre = {}, PostHandler post = {}) {
        return probe(KprobeSpec{
            .symbol = symbol, .pre_handler = std::move(pre), .post_handler = std::move(post)});
    }
    Error refusal(KprobeSpec spec) {
        const Result<KprobeHandle> made = kprobes.register_kprobe(std::move(spec));
        EXPECT_FALSE(made.has_value());
        return made ? Error{} : made.error();
    }
    void run_to_end() {
        EXPECT_EQ(guest.run().reason, emu::StopReason::Dead);
        EXPECT_FALSE(kprobes.running());
    }
    std::uint64_t gpr(Gpr index) { return guest.machine().cpu().gpr(index); }

    BareGuest guest;
    Kprobes kprobes;
};

TEST_F(KprobeTest, CallsThePreHandlerWithTheArguments) {
    std::vector<std::uint64_t> seen;
    const KprobeHandle add = probe("guest_add", [&](Kprobe& kprobe, ProbeRegs& regs) {
        EXPECT_EQ(regs.ip(), kprobe.address());
        EXPECT_EQ(regs.argument(1), 2U);
        seen.push_back(regs.argument(0));
        return 0;
    });
    run_to_end();
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 4, 3, 2, 1}));
    EXPECT_EQ(add->hits(), 5U);
    EXPECT_EQ(add->where(), "guest_add+0x0");
    EXPECT_EQ(gpr(Gpr::R12), 25U);
}

TEST_F(KprobeTest, APreHandlerMayChangeRegisters) {
    const KprobeHandle add = probe("guest_add", [](Kprobe&, ProbeRegs& regs) {
        regs.set(Gpr::Rdi, 100);
        return 0;
    });
    run_to_end();
    EXPECT_EQ(gpr(Gpr::R12), 510U);
}

TEST_F(KprobeTest, ANonZeroPreHandlerTakesTheInstructionOver) {
    const KprobeHandle add = probe(
        "guest_add",
        [&](Kprobe&, ProbeRegs& regs) {  // return 7 without running the function
            const auto to = emu::read_value<std::uint64_t>(guest.machine(), regs.sp());
            regs.set(Gpr::Rax, 7);
            regs.set(Gpr::Rsp, regs.sp().value + 8);
            regs.set_ip(GuestVa{*to});
            return 1;
        },
        [](Kprobe&, ProbeRegs&) { FAIL() << "no instruction ran, so nothing comes after it"; });
    run_to_end();
    EXPECT_EQ(add->hits(), 5U);
    EXPECT_EQ(gpr(Gpr::R12), 0U);
    EXPECT_EQ(gpr(Gpr::Rax), 7U);
}

TEST_F(KprobeTest, ThePostHandlerSeesTheInstructionDone) {
    std::uint64_t before = 0;
    int calls = 0;
    const KprobeHandle add = probe(
        "guest_add",
        [&](Kprobe&, ProbeRegs& regs) {
            before = regs[Gpr::Rdi] + regs[Gpr::Rsi];
            return 0;
        },
        [&](Kprobe&, ProbeRegs& regs) {
            ++calls;
            EXPECT_EQ(regs[Gpr::Rsi], before);
            EXPECT_EQ(regs.ip(), kAdd + 3);
        });
    run_to_end();
    EXPECT_EQ(calls, 5);
}

TEST_F(KprobeTest, ManyProbesShareOneInt3InTheOrderOfTheirRegistration) {
    std::string order;
    const auto note = [&order](char c) {
        return [&order, c](Kprobe&, ProbeRegs&) {
            order += c;
            return 0;
        };
    };
    KprobeHandle a = probe("guest_add", note('a'));
    KprobeHandle b = probe("guest_add", note('b'), [&order](Kprobe&, ProbeRegs&) { order += 'B'; });
    KprobeHandle c = probe(KprobeSpec{.address = kAdd, .pre_handler = note('c')});
    EXPECT_EQ(kprobes.all().size(), 3U);
    guest.run(10);
    EXPECT_EQ(order, "abcB");
    b.reset();  // with it goes the only post handler
    order.clear();
    run_to_end();
    EXPECT_EQ(order, "acacacac");
    EXPECT_EQ(a->hits(), 5U);
    EXPECT_EQ(c->hits(), 5U);
    EXPECT_EQ(kprobes.all().size(), 2U);
}

TEST_F(KprobeTest, DisabledProbesStayRegisteredAndSilent) {
    KprobeHandle add = probe(KprobeSpec{.symbol = "guest_add", .disabled = true});
    EXPECT_FALSE(add->enabled());
    guest.run(10);
    EXPECT_EQ(add->hits(), 0U);
    ASSERT_TRUE(kprobes.enable(*add));
    guest.run(30);
    const std::uint64_t hits = add->hits();
    EXPECT_GT(hits, 0U);
    ASSERT_TRUE(kprobes.disable(*add));
    run_to_end();
    EXPECT_EQ(add->hits(), hits);
}

TEST_F(KprobeTest, AHandlerMayUnregisterItsOwnProbe) {
    KprobeHandle add;
    add = probe("guest_add", [&](Kprobe&, ProbeRegs&) {
        add.reset();
        return 0;
    });
    run_to_end();
    EXPECT_TRUE(kprobes.all().empty());
    EXPECT_EQ(gpr(Gpr::R12), 25U);
}

TEST_F(KprobeTest, AHandlerMayProbeTheNextInstruction) {
    KprobeHandle next;
    const KprobeHandle add = probe("guest_add", [&](Kprobe&, ProbeRegs&) {
        if (!next) {
            next = probe(KprobeSpec{.symbol = "guest_add", .offset = 3});
        }
        return 0;
    });
    run_to_end();
    EXPECT_EQ(next->hits(), 5U);
}

TEST_F(KprobeTest, UnregisteringWhileTheDisplacedInstructionRunsIsHarmless) {
    for (std::uint64_t limit = 1; limit < 12; ++limit) {
        BareGuest other(counter_begin, counter_end, symbols());
        Kprobes probes(other.machine());
        Result<KprobeHandle> stepped = probes.register_kprobe(
            {.symbol = "guest_add", .post_handler = [](Kprobe&, ProbeRegs&) {}});
        ASSERT_TRUE(stepped);
        other.run(limit);  // inside the slot for some limit
        stepped->reset();
        EXPECT_EQ(other.run().reason, emu::StopReason::Dead);
        EXPECT_EQ(other.machine().cpu().gpr(Gpr::R12), 25U) << limit;
    }
}

TEST_F(KprobeTest, AGuestHandlerHoldsTheInstructionBackUntilItIsDone) {
    // The "guest work" here is a detour of one instruction: inc %r13; int3.
    const auto text = guest.machine().window().allocate_text(16).value();
    ASSERT_TRUE(guest.machine().map_window());
    const std::array<std::uint8_t, 4> code{0x49, 0xff, 0xc5, 0xcc};
    guest.machine().write_text(text, 0, std::as_bytes(std::span(code)));
    std::function<void()> continuation;
    GuestVa probed;
    guest.machine().add_window_trap(text.va + 3, [&](emu::Machine& machine) {
        machine.cpu().set_rip(probed);
        std::exchange(continuation, nullptr)();
    });
    std::string order;
    const GuestHandler detour = [&](Kprobe& kprobe, ProbeRegs& regs, std::function<void()> done) {
        order += 'g';
        probed = kprobe.address();
        continuation = std::move(done);
        regs.set_ip(text.va);
    };
    const KprobeHandle a = probe(KprobeSpec{.symbol = "guest_add", .guest_handler = detour});
    const KprobeHandle b = probe(KprobeSpec{.symbol = "guest_add",
                                            .pre_handler =
                                                [&](Kprobe&, ProbeRegs&) {
                                                    order += 'p';
                                                    return 0;
                                                },
                                            .guest_handler = detour});
    run_to_end();
    EXPECT_EQ(order, "gpggpggpggpggpg");
    EXPECT_EQ(gpr(Gpr::R13), 10U);
    EXPECT_EQ(gpr(Gpr::R12), 25U);
}

TEST_F(KprobeTest, AHitInsideAGuestHandlerIsAMiss) {
    // The guest handler calls guest_add's second instruction's probe by running guest code itself.
    std::function<void()> continuation;
    int nested_handlers = 0;
    const KprobeHandle inner = probe(
        KprobeSpec{.symbol = "guest_add", .offset = 3, .pre_handler = [&](Kprobe&, ProbeRegs&) {
                       ++nested_handlers;
                       return 0;
                   }});
    const auto text = guest.machine().window().allocate_text(16).value();
    ASSERT_TRUE(guest.machine().map_window());
    const std::array<std::uint8_t, 3> code{0xff, 0xd0, 0xcc};  // call *%rax; int3
    guest.machine().write_text(text, 0, std::as_bytes(std::span(code)));
    emu::CoreState saved;
    guest.machine().add_window_trap(text.va + 2, [&](emu::Machine& machine) {
        machine.cpu().restore_core(saved);
        std::exchange(continuation, nullptr)();
    });
    const KprobeHandle outer = probe(
        KprobeSpec{.symbol = "guest_add",
                   .guest_handler = [&](Kprobe&, ProbeRegs& regs, std::function<void()> done) {
                       continuation = std::move(done);
                       saved = regs.cpu().save_core();
                       regs.set(Gpr::Rax, (kAdd + 3).value);
                       regs.set_ip(text.va);
                   }});
    run_to_end();
    EXPECT_EQ(outer->hits(), 5U);
    EXPECT_EQ(inner->nmissed(), 5U);
    EXPECT_EQ(inner->hits(), 5U);
    EXPECT_EQ(nested_handlers, 5);
}

TEST_F(KprobeTest, RefusesWithLinuxsNumbers) {
    EXPECT_EQ(refusal({}).linux_errno, EINVAL);
    EXPECT_EQ(refusal({.symbol = "guest_add", .address = kAdd}).linux_errno, EINVAL);
    const Error unknown = refusal({.symbol = "guest_ad"});
    EXPECT_EQ(unknown.linux_errno, ENOENT);
    EXPECT_NE(unknown.hint.find("guest_add"), std::string::npos);
    EXPECT_EQ(refusal({.address = GuestVa{0x1234}}).linux_errno, ENOENT);
    const Error inside = refusal({.symbol = "guest_main", .offset = 6});
    EXPECT_EQ(inside.linux_errno, EILSEQ);
    EXPECT_EQ(inside.hint, "instructions start at guest_main+0x5 and guest_main+0x8");
    EXPECT_EQ(refusal({.symbol = "guest_main", .offset = 0x17}).linux_errno, EILSEQ);      // ud2
    EXPECT_EQ(refusal({.symbol = "guest_main", .offset = 0x19}).linux_errno, EOPNOTSUPP);  // iretq
    EXPECT_EQ(refusal({.symbol = "guest_main", .offset = 0x1b}).linux_errno, EINVAL);      // mov ss
    EXPECT_TRUE(kprobes.all().empty());
}

TEST_F(KprobeTest, LooksThroughOtherProbesWhenItDecodes) {
    const KprobeHandle first = probe(KprobeSpec{.symbol = "guest_main"});
    EXPECT_TRUE(kprobes.register_kprobe({.symbol = "guest_main", .offset = 0xd}).has_value());
    EXPECT_EQ(refusal({.symbol = "guest_main", .offset = 1}).linux_errno, EILSEQ);
}

TEST_F(KprobeTest, ADebuggersByteIsNotTaken) {
    ASSERT_TRUE(guest.machine().plant(kAdd, [](emu::Machine&) {}));
    EXPECT_EQ(refusal({.symbol = "guest_add"}).linux_errno, EBUSY);
    EXPECT_TRUE(kprobes.all().empty());
    guest.machine().unplant(kAdd);
    EXPECT_TRUE(kprobes.register_kprobe({.symbol = "guest_add"}).has_value());
}

TEST_F(KprobeTest, HandlesMayOutliveTheirKprobes) {
    auto other = std::make_unique<Kprobes>(guest.machine());
    KprobeHandle handle = std::move(*other->register_kprobe({.symbol = "guest_add"}));
    other.reset();
    EXPECT_EQ(emu::read_value<std::uint8_t>(guest.machine(), kAdd), 0x48);
    run_to_end();
    EXPECT_EQ(handle->hits(), 0U);
}

class KprobeSectionTest : public KprobeTest {
protected:
    KprobeSectionTest()
        : KprobeTest({{"_stext", kMain, 0, 'T'},
                      {"_etext", kAdd + 8, 0, 'T'},
                      {"__kprobes_text_start", kMain + 8, 0, 'T'},
                      {"__kprobes_text_end", kMain + 0x12, 0, 'T'},
                      {"_kbl_addr_guest_add", kAdd + 0x100, 8, 'd'}}) {}
};

TEST_F(KprobeSectionTest, StaysOutOfBlacklistedSectionsAndFunctions) {
    const Error section = refusal({.symbol = "guest_main", .offset = 8});
    EXPECT_EQ(section.linux_errno, EINVAL);
    EXPECT_NE(section.what.find(".kprobes.text"), std::string::npos);
    const Error function = refusal({.symbol = "guest_add"});
    EXPECT_EQ(function.linux_errno, EINVAL);
    EXPECT_NE(function.what.find("NOKPROBE"), std::string::npos);
    EXPECT_EQ(refusal({.symbol = "guest_add", .offset = 0xa}).what, "not kernel text");
    EXPECT_TRUE(kprobes.register_kprobe({.symbol = "guest_main", .offset = 0x12}).has_value());
}

TEST_F(KprobeTest, KnowsTheOriginalPlaceOfASlot) {
    const KprobeHandle add = probe("guest_add");
    bool in_slot = false;
    for (std::uint64_t i = 1; i < 20 && !in_slot; ++i) {
        guest.run(i);
        const GuestVa rip = guest.machine().cpu().rip();
        in_slot = emu::ProbeWindow::text_contains(rip);
        EXPECT_EQ(kprobes.original_rip(rip), in_slot ? kAdd : rip);
    }
    EXPECT_TRUE(in_slot);
    guest.run(guest.machine().counters().instructions + 1);
    EXPECT_EQ(kprobes.original_rip(guest.machine().cpu().rip()), kAdd + 3);  // at the jump back
}

TEST_F(KprobeTest, TheSameRunGivesTheSameHitsAndTime) {
    std::vector<std::uint64_t> times;
    for (int run = 0; run < 3; ++run) {
        BareGuest other(counter_begin, counter_end, symbols());
        Kprobes probes(other.machine());
        std::uint64_t sum = 0;
        const auto handle = probes.register_kprobe(
            {.symbol = "guest_add", .pre_handler = [&](Kprobe&, ProbeRegs&) {
                 sum = sum * 31 + other.machine().now().value;
                 return 0;
             }});
        other.run();
        times.push_back(sum + other.machine().now().value);
    }
    EXPECT_EQ(times[0], times[1]);
    EXPECT_EQ(times[1], times[2]);
}

}  // namespace
}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
// Going back ends where the machine once was, and the way forward again is the same.
#include "emu/timeline/timeline.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "emu/timeline/checkpoints.hpp"
#include "tests/emu/bare_guest.hpp"
#include "tests/emu/input/typed_guest.hpp"
#include "tests/emu/snapshot/machines.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;

RunLimits up_to(std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    return limits;
}

// loop: inc rbx; call f; jmp loop; f: mov [rsi], rbx; ret. Five instructions a round; the store is
// the third.
BareGuest counting_guest() {
    BareGuest guest({0x48, 0xff, 0xc3, 0xe8, 2, 0, 0, 0, 0xeb, 0xf6, 0x48, 0x89, 0x1e, 0xc3});
    guest.machine->cpu().set_gpr(Gpr::Rsi, (kBareDirectMap + 0x90000).value);
    return guest;
}
constexpr GuestVa kStore = BareGuest::kCode + 10;

TEST(Timeline, GoesWhereTheMachineOnceWas) {
    MiniGuest plain;
    std::map<std::uint64_t, std::string> portraits;
    for (const std::uint64_t point : {1'000U, 77'777U, 123'456U, 200'000U}) {
        plain.run_to(point);
        portraits[point] = portrait(*plain.machine);
    }
    MiniGuest guest;
    Timeline timeline(*guest.machine, {.interval = 30'000});
    EXPECT_EQ(timeline.run(up_to(200'000)).reason, StopReason::InsnLimit);
    const std::string console = guest.console;
    EXPECT_EQ(console, plain.console);
    EXPECT_EQ(timeline.begin(), 0U);
    EXPECT_EQ(timeline.end(), 200'000U);
    for (const std::uint64_t point : {77'777U, 200'000U, 1'000U, 123'456U, 77'777U}) {
        ASSERT_TRUE(timeline.go_to(point));
        EXPECT_EQ(portrait(*guest.machine), portraits[point]) << point;
    }
    EXPECT_EQ(timeline.go_to(200'001).error().linux_errno, ERANGE);
    EXPECT_EQ(guest.console, console);  // Nothing was said twice.

    timeline.run(up_to(200'000));
    EXPECT_EQ(guest.console, console);
    EXPECT_EQ(portrait(*guest.machine), portraits[200'000]);
    plain.run_to(100'000'000);
    timeline.run(up_to(100'000'000));
    EXPECT_EQ(guest.console, plain.console);
    EXPECT_EQ(portrait(*guest.machine), portrait(*plain.machine));
}

TEST(Timeline, StepsBackToTheBeginning) {
    BareGuest guest = counting_guest();
    guest.run(3);
    Timeline timeline(*guest.machine, {.interval = 10});
    timeline.run(up_to(60));
    EXPECT_EQ(timeline.step_back(), BackEnd::Reached);
    EXPECT_EQ(guest.machine->counters().instructions, 59U);
    EXPECT_EQ(timeline.step_back(20), BackEnd::Reached);
    EXPECT_EQ(guest.machine->counters().instructions, 39U);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 8U);
    EXPECT_EQ(timeline.step_back(1000), BackEnd::StartOfHistory);
    EXPECT_EQ(guest.machine->counters().instructions, 3U);
    EXPECT_EQ(timeline.step_back(), BackEnd::StartOfHistory);
}

TEST(Timeline, StepsBackFromAHandlerToTheInstructionThatFaulted) {
    BareGuest guest(code_of({{0x90, 0x0f, 0x0b}, kExit}));  // nop; ud2
    const GuestVa handler = guest.set_handler(6, {0x90, 0xeb, 0xfe});
    Timeline timeline(*guest.machine);
    guest.machine->add_breakpoint(handler);
    EXPECT_EQ(timeline.run(up_to(100)).reason, StopReason::Breakpoint);
    EXPECT_EQ(timeline.step_back(), BackEnd::Reached);
    EXPECT_EQ(guest.machine->cpu().rip(), BareGuest::kCode + 1);
    EXPECT_EQ(timeline.step_back(), BackEnd::Reached);
    EXPECT_EQ(guest.machine->cpu().rip(), BareGuest::kCode);
}

TEST(Timeline, RunsBackToTheLastBreakpoint) {
    BareGuest guest = counting_guest();
    Machine& machine = *guest.machine;
    Timeline timeline(machine, {.interval = 37});
    timeline.run(up_to(1000));
    machine.add_breakpoint(kStore);
    for (std::uint64_t round = 200; round > 0; --round) {
        ASSERT_EQ(timeline.run_back(), BackEnd::Hit) << round;
        ASSERT_EQ(machine.cpu().rip(), kStore);
        ASSERT_EQ(guest.gpr(Gpr::Rbx), round);
    }
    EXPECT_EQ(timeline.run_back(), BackEnd::StartOfHistory);
    EXPECT_EQ(machine.counters().instructions, 0U);
    EXPECT_EQ(timeline.run(up_to(1000)).reason, StopReason::Breakpoint);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
}

TEST(Timeline, RunsBackToTheWriteThatSetAVariable) {
    BareGuest guest = counting_guest();
    Machine& machine = *guest.machine;
    const GuestVa variable = kBareDirectMap + 0x90000;
    Timeline timeline(machine, {.interval = 40});
    timeline.run(up_to(504));
    ASSERT_EQ(read_value<std::uint64_t>(machine, variable), 101U);
    ASSERT_TRUE(machine.add_watchpoint(variable, 8, WatchKind::Write));
    for (std::uint64_t value = 101; value > 90; --value) {
        ASSERT_EQ(timeline.run_back(), BackEnd::Hit);
        EXPECT_EQ(machine.cpu().rip(), kStore + 3);
        EXPECT_EQ(read_value<std::uint64_t>(machine, variable), value);
    }
    // A condition of the caller's.
    EXPECT_EQ(timeline.run_back([&](const StopEvent& stop) {
        return stop.reason == StopReason::Watchpoint && guest.gpr(Gpr::Rbx) == 50;
    }),
              BackEnd::Hit);
    EXPECT_EQ(read_value<std::uint64_t>(machine, variable), 50U);
}

TEST(Timeline, GivesUpWhereItWas) {
    BareGuest guest = counting_guest();
    Timeline timeline(*guest.machine, {.interval = 40});
    timeline.run(up_to(504));
    const std::string here = portrait(*guest.machine);
    guest.machine->request_debugger();
    EXPECT_EQ(timeline.run_back(), BackEnd::Interrupted);
    EXPECT_EQ(portrait(*guest.machine), here);
}

TEST(Timeline, RepeatsWhatWasTyped) {
    TypedGuest guest({.sleeps = true, .ticks = true});
    Timeline timeline(*guest.machine, {.interval = 20});
    RunLimits limits;
    for (std::uint64_t ms = 20; ms <= 100; ms += 20) {
        guest.machine->console_input("a");
        limits.max_cycles = Cycles{ms * 1'000'000};
        timeline.run(limits);
    }
    EXPECT_EQ(guest.console, "bbbbb");
    const std::string end = portrait(*guest.machine);
    ASSERT_TRUE(timeline.go_to(60));
    EXPECT_NE(portrait(*guest.machine), end);
    timeline.run(limits);
    EXPECT_EQ(portrait(*guest.machine), end);
    EXPECT_EQ(guest.console, "bbbbb");
}

TEST(Timeline, AChangeMakesAnotherFuture) {
    BareGuest guest = counting_guest();
    Machine& machine = *guest.machine;
    Timeline timeline(machine, {.interval = 40});
    timeline.run(up_to(500));
    ASSERT_TRUE(timeline.go_to(250));
    machine.cpu().set_gpr(Gpr::Rbx, 1000);
    timeline.forget_future();
    EXPECT_EQ(timeline.end(), 250U);
    timeline.run(up_to(500));
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1050U);
    // Before the change, and over it again.
    ASSERT_TRUE(timeline.go_to(200));
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 40U);
    timeline.run(up_to(500));
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1050U);
    ASSERT_TRUE(timeline.go_to(300));
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1010U);
}

TEST(Checkpoints, AreThinnedOutMoreTheOlderTheyAre) {
    BareGuest guest = counting_guest();
    Checkpoints checkpoints(1ULL << 30);
    for (std::uint64_t at = 0; at < 1000; ++at) {
        checkpoints.add({at, guest.machine->save(), at == 0 || at == 500, true});
    }
    const std::vector<Checkpoint>& all = checkpoints.all();
    EXPECT_EQ(all.size(), 64U);
    EXPECT_EQ(all.front().at, 0U);
    EXPECT_EQ(all.back().at, 999U);
    EXPECT_EQ(all[all.size() - 2].at, 998U);
    EXPECT_EQ(checkpoints.start_for(500)->at, 500U);  // pinned
    EXPECT_EQ(checkpoints.pinned_after(0)->at, 500U);
    EXPECT_EQ(checkpoints.before(0), nullptr);
    EXPECT_GT(all[2].at - all[1].at, all[60].at - all[59].at);
}

}  // namespace
}  // namespace trapgate::emu

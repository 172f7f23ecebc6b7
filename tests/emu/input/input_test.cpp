// SPDX-License-Identifier: GPL-2.0-only
// What comes in, when it acts, and that a log repeats a run bit for bit whatever the pace was.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/emu/input/typed_guest.hpp"
#include "tests/emu/snapshot/machines.hpp"

namespace trapgate::emu {
namespace {

using namespace std::chrono_literals;

constexpr double kPatience = 30;  // seconds, for a run that should end by itself

RunLimits limits_of(PaceMode pace, bool input_may_come) {
    RunLimits limits;
    limits.pace = pace;
    limits.input_may_come = input_may_come;
    limits.max_host_seconds = kPatience;
    return limits;
}

struct Way {
    const char* name;
    TypedGuest::Options options;
    PaceMode pace;
};

std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

class Typing : public testing::TestWithParam<Way> {};

// Another thread types while the guest runs; each answer is the byte after the one typed.
TEST_P(Typing, IsRepeatedBitForBitAtAnyPace) {
    const Way& way = GetParam();
    TypedGuest recorded(way.options);
    std::vector<InputEntry> heard;
    recorded.machine->set_input_listener([&](const InputEntry& entry) { heard.push_back(entry); });
    std::thread typist([&] {
        for (const std::string_view text : {"a", "bc", "0123456789 0123456789 0123456789", "x"}) {
            std::this_thread::sleep_for(3ms);
            recorded.machine->console_input(text);
        }
        std::this_thread::sleep_for(3ms);
        recorded.machine->console_input("!");
    });
    const StopEvent end = recorded.machine->run(limits_of(way.pace, true));
    typist.join();
    EXPECT_EQ(end.reason, StopReason::GuestExit);
    EXPECT_EQ(recorded.console, "bcd123456789:!123456789:!123456789:y");
    const InputLog log = recorded.machine->input_log();
    EXPECT_EQ(log.entries, heard);
    ASSERT_GE(log.entries.size(), 2U);
    EXPECT_EQ(log.end->place.instructions, recorded.machine->counters().instructions);

    const Result<InputLog> from_text = parse_input_log(format_input_log(log), "log");
    ASSERT_TRUE(from_text);
    for (const PaceMode pace : {PaceMode::Free, way.pace}) {
        TypedGuest replayed(way.options);
        ASSERT_TRUE(replayed.machine->replay(*from_text, "log"));
        replayed.machine->console_input("not now!");
        EXPECT_EQ(replayed.machine->run(limits_of(pace, true)), end);
        EXPECT_EQ(replayed.console, recorded.console);
        EXPECT_EQ(replayed.machine->counters(), recorded.machine->counters());
        EXPECT_EQ(replayed.machine->replay_divergence(), std::nullopt);
        EXPECT_EQ(replayed.machine->input_log(), log);
        EXPECT_TRUE(alike(*replayed.machine, *recorded.machine));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Input, Typing,
    testing::Values(
        Way{"SleepingFree", {.sleeps = true, .ticks = false}, PaceMode::Free},
        Way{"SleepingReal", {.sleeps = true, .ticks = false}, PaceMode::Real},
        Way{"TickingFree", {.sleeps = true, .ticks = true}, PaceMode::Free},
        Way{"TickingReal", {.sleeps = true, .ticks = true}, PaceMode::Real},
        Way{"BusyFree", {.sleeps = false, .ticks = false}, PaceMode::Free},
        Way{"BusyTickingFree", {.sleeps = false, .ticks = true}, PaceMode::Free},
        Way{"BusyTickingReal", {.sleeps = false, .ticks = true}, PaceMode::Real},
        Way{"TwoCpusFree", {.sleeps = true, .ticks = true, .cpus = 2}, PaceMode::Free},
        Way{"TwoCpusReal", {.sleeps = true, .ticks = true, .cpus = 2}, PaceMode::Real},
        Way{"FourCpusFree", {.sleeps = false, .ticks = true, .cpus = 4}, PaceMode::Free}),
    [](const testing::TestParamInfo<Way>& one) { return std::string(one.param.name); });

TEST(Input, KeepsALargePaste) {
    TypedGuest guest({.sleeps = true, .ticks = false});
    std::string paste;
    std::string answer;
    for (int i = 0; i < 20'000; ++i) {
        const std::string line = fmt::format("line {}\n", i);
        paste += line;
        for (const char character : line) {
            answer += static_cast<char>(character + 1);
        }
    }
    guest.machine->console_input(paste);  // Before the guest has even begun.
    guest.machine->console_input("!");
    EXPECT_EQ(guest.machine->run(limits_of(PaceMode::Free, true)).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.console, answer);
}

TEST(Input, WaitsOnlyWhereSomebodyMayType) {
    TypedGuest guest({.sleeps = true, .ticks = false});
    EXPECT_EQ(guest.machine->run(limits_of(PaceMode::Free, false)).reason, StopReason::Dead);
    RunLimits limits = limits_of(PaceMode::Free, true);
    limits.max_host_seconds = 0.02;
    EXPECT_EQ(guest.machine->run(limits).reason, StopReason::TimeLimit);
    std::thread other([&] {
        std::this_thread::sleep_for(10ms);
        guest.machine->request_stop();
    });
    EXPECT_EQ(guest.machine->run(limits_of(PaceMode::Real, true)).reason, StopReason::Requested);
    other.join();
    guest.machine->console_input("!");
    EXPECT_EQ(guest.machine->run(limits_of(PaceMode::Free, true)).reason, StopReason::GuestExit);
}

TEST(Pace, RealTimeIsNeverAheadOfTheWallClock) {
    TypedGuest guest({.sleeps = true, .ticks = true});
    RunLimits limits = limits_of(PaceMode::Real, false);
    for (int i = 1; i <= 3; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const Cycles now = guest.machine->now();
        limits.max_cycles = Cycles{static_cast<std::uint64_t>(i) * 25'000'000};
        EXPECT_EQ(guest.machine->run(limits).reason, StopReason::CycleLimit);
        const std::chrono::nanoseconds passed = std::chrono::steady_clock::now() - begin;
        EXPECT_GE(passed.count(), static_cast<std::int64_t>((guest.machine->now() - now).value));
    }
    EXPECT_EQ(guest.machine->now(), Cycles{75'000'000});
}

TEST(Pace, TimePassesThroughShortRuns) {
    TypedGuest guest({.sleeps = true, .ticks = true});
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < 60ms) {
        RunLimits limits = limits_of(PaceMode::Real, true);
        limits.max_host_seconds = 0.002;  // shorter than the guest's sleeps
        EXPECT_EQ(guest.machine->run(limits).reason, StopReason::TimeLimit);
    }
    EXPECT_GT(guest.machine->now(), Cycles{20'000'000});
}

TEST(Pace, ChangesNoNumber) {
    TypedGuest free({.sleeps = true, .ticks = true});
    TypedGuest real({.sleeps = true, .ticks = true});
    RunLimits limits = limits_of(PaceMode::Free, false);
    limits.max_cycles = Cycles{60'000'000};
    free.machine->run(limits);
    limits.pace = PaceMode::Real;
    real.machine->run(limits);
    EXPECT_TRUE(alike(*free.machine, *real.machine));
    EXPECT_EQ(free.machine->counters(), real.machine->counters());
}

TEST(Replay, RefusesAnotherMachinesLog) {
    MiniGuest guest;
    InputLog log = guest.machine->input_log();
    MiniGuest same;
    EXPECT_TRUE(same.machine->replay(log, "x.log"));
    same.run_to(10);
    EXPECT_EQ(same.machine->replay(log, "x.log").error().linux_errno, EBUSY);
    MiniGuest other("quiet");
    const Result<void> refused = other.machine->replay(log, "x.log");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().where, "x.log");
    EXPECT_EQ(refused.error().hint, "the command line was \"\"");
    log.identity.model = "skylake";
    EXPECT_EQ(guest.machine->replay(log, "x.log").error().hint, "--model skylake");
}

TEST(Replay, SaysWhenTheRunIsAnother) {
    TypedGuest guest({.sleeps = true, .ticks = true});
    InputLog log = guest.machine->input_log();
    log.entries = {{{5, {50'000'000}}, InputKind::Console, "!"}};
    ASSERT_TRUE(guest.machine->replay(log, "log"));
    guest.machine->run(limits_of(PaceMode::Free, false));
    ASSERT_TRUE(guest.machine->replay_divergence());
    EXPECT_EQ(guest.machine->replay_divergence()->instructions, 5U);
}

TEST(Snapshot, HoldsThePlaceInTheLog) {
    TypedGuest guest({.sleeps = true, .ticks = true});
    InputLog log = guest.machine->input_log();
    log.entries = {{{kAnyInstruction, {50'000'000}}, InputKind::Console, "abcdefghij0123456789"},
                   {{kAnyInstruction, {70'000'000}}, InputKind::Console, "!"}};
    ASSERT_TRUE(guest.machine->replay(log, "log"));
    // Where some of the bytes wait behind the FIFO.
    RunLimits limits = limits_of(PaceMode::Free, false);
    limits.max_cycles = Cycles{50'000'030};
    EXPECT_EQ(guest.machine->run(limits).reason, StopReason::CycleLimit);
    const StatePtr state = guest.machine->save();
    const std::string said = guest.console;
    EXPECT_LT(said.size(), 20U);
    guest.machine->run(limits_of(PaceMode::Free, false));
    EXPECT_EQ(guest.console, "bcdefghijk123456789:");

    TypedGuest other({.sleeps = true, .ticks = true});
    ASSERT_TRUE(other.machine->restore(*state));
    EXPECT_EQ(other.machine->run(limits_of(PaceMode::Free, false)).reason, StopReason::GuestExit);
    EXPECT_EQ(said + other.console, guest.console);
    EXPECT_TRUE(alike(*other.machine, *guest.machine));
}

TEST(Snapshot, ForgetsOrRepeatsWhatWasTypedLater) {
    TypedGuest guest({.sleeps = true, .ticks = true});
    RunLimits limits = limits_of(PaceMode::Free, false);
    limits.max_cycles = Cycles{20'000'000};
    guest.machine->run(limits);
    const StatePtr state = guest.machine->save();
    guest.machine->console_input("a");
    limits.max_cycles = Cycles{40'000'000};
    guest.machine->run(limits);
    const std::string end = portrait(*guest.machine);
    EXPECT_EQ(guest.console, "b");

    ASSERT_TRUE(guest.machine->restore(*state, FutureInput::Repeat));
    guest.machine->console_input("k");  // Comes where the known ends.
    guest.machine->run(limits);
    EXPECT_EQ(guest.console, "bb");
    EXPECT_EQ(portrait(*guest.machine), end);
    limits.max_cycles = Cycles{60'000'000};
    guest.machine->run(limits);
    EXPECT_EQ(guest.console, "bbl");

    ASSERT_TRUE(guest.machine->restore(*state));
    guest.machine->run(limits);
    EXPECT_EQ(guest.console, "bbl");
    EXPECT_TRUE(guest.machine->input_log().entries.empty());
}

}  // namespace
}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
// What must hold for every guest: a state that is restored, in another machine too, runs on as the
// machine did that it was saved of; and going back and forth in time ends where the way was.
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "emu/timeline/timeline.hpp"
#include "tests/emu/input/typed_guest.hpp"
#include "tests/emu/loader/linux_files.hpp"
#include "tests/emu/several_cpus.hpp"
#include "tests/emu/snapshot/machines.hpp"
#include "tests/emu/wild/device_storm.hpp"

namespace trapgate::emu {
namespace {

/// A guest to try it with: a machine fresh from its loader, and how far to run it.
struct Subject {
    std::string name;
    std::function<std::unique_ptr<Machine>()> make;
    std::uint64_t instructions;
};

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

RunLimits up_to(std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    return limits;
}

/// Exits and resets are no end: the guest goes on behind them, or is over when it does not.
void run_to(Machine& machine, std::uint64_t instructions) {
    std::uint64_t before = UINT64_MAX;
    while (machine.counters().instructions != before) {
        before = machine.counters().instructions;
        machine.run(up_to(instructions));
    }
}

std::unique_ptr<Machine> minikernel(unsigned cpus) {
    return std::move(MiniGuest("", 32U << 20, cpus).machine);
}

// Its input comes from a log: what waits for its cycle is the host's, not the machine's.
std::unique_ptr<Machine> typed(unsigned cpus) {
    TypedGuest guest({.sleeps = true, .ticks = true, .cpus = cpus});
    InputLog log = guest.machine->input_log();
    for (const std::uint64_t cycle : {20'000U, 60'000U, 61'000U, 100'000'000U}) {
        log.entries.push_back({{kAnyInstruction, {cycle}}, InputKind::Console, "some bytes, more"});
    }
    EXPECT_TRUE(guest.machine->replay(log, "log"));
    return std::move(guest.machine);
}

std::vector<Subject> subjects() {
    std::vector<Subject> all;
    for (const unsigned cpus : {1U, 2U, 4U}) {
        const std::string number = std::to_string(cpus);
        all.push_back({"MinikernelOn" + number, [cpus] { return minikernel(cpus); }, 400'000});
        all.push_back({"TypedOn" + number, [cpus] { return typed(cpus); }, 300'000});
        if (cpus > 1) {
            all.push_back({"TogetherOn" + number,
                           [cpus] { return std::move(SeveralCpus(cpus).machine); }, 100'000});
        }
    }
    for (const std::uint64_t seed : {1U, 6U, 10U, 11U}) {
        all.push_back({"Storm" + std::to_string(seed),
                       [seed] { return std::move(DeviceStorm(seed).machine); }, 150'000});
    }
    return all;
}

class Property : public testing::TestWithParam<Subject> {
protected:
    [[nodiscard]] std::unique_ptr<Machine> make() const {
        std::unique_ptr<Machine> machine = GetParam().make();
        machine->set_console_sink([](std::string_view) {});
        return machine;
    }
    /// Points in a run of this length, in no order.
    std::vector<std::uint64_t> points(std::uint64_t length, std::size_t count) {
        std::vector<std::uint64_t> all;
        while (all.size() < count) {
            all.push_back(random_() % length);
        }
        return all;
    }

private:
    std::mt19937_64 random_{7};
};

TEST_P(Property, RestoringAndRunningEqualsRunning) {
    const std::unique_ptr<Machine> plain = make();
    run_to(*plain, GetParam().instructions);
    const std::uint64_t length = plain->counters().instructions;
    ASSERT_GT(length, 1000U);
    std::map<std::uint64_t, StatePtr> states;
    const std::unique_ptr<Machine> saved = make();
    for (const std::uint64_t point : points(length, 6)) {
        states[point] = nullptr;
    }
    for (auto& [point, state] : states) {
        run_to(*saved, point);
        const Result<StatePtr> read = decode_state(encode_state(*saved->save()), "file");
        ASSERT_TRUE(read) << read.error().message();
        state = *read;
    }
    run_to(*saved, GetParam().instructions);
    EXPECT_TRUE(alike(*saved, *plain)) << "saving changed something";
    // Into a machine that is somewhere else, backwards in time.
    const std::unique_ptr<Machine> other = make();
    for (auto at = states.rbegin(); at != states.rend(); ++at) {
        SCOPED_TRACE(at->first);
        const Result<void> restored = other->restore(*at->second);
        ASSERT_TRUE(restored) << restored.error().message();
        EXPECT_EQ(other->save()->parts, at->second->parts);
        EXPECT_TRUE(complete(*other, *at->second));
        run_to(*other, GetParam().instructions);
        ASSERT_TRUE(alike(*other, *plain));
    }
}

TEST_P(Property, BackAndForthInTimeIsTheSameWay) {
    const std::unique_ptr<Machine> plain = make();
    const std::unique_ptr<Machine> machine = make();
    Timeline timeline(*machine, {.interval = 20'000});
    std::uint64_t before = UINT64_MAX;
    while (machine->counters().instructions != before) {
        before = machine->counters().instructions;
        timeline.run(up_to(GetParam().instructions));
    }
    const std::uint64_t length = machine->counters().instructions;
    const std::string end = portrait(*machine);
    std::map<std::uint64_t, std::string> portraits;
    const std::vector<std::uint64_t> way = points(length, 8);
    for (const std::uint64_t point : way) {
        portraits[point] = "";
    }
    for (auto& [point, text] : portraits) {
        run_to(*plain, point);
        text = portrait(*plain);
    }
    for (const std::uint64_t point : way) {
        ASSERT_TRUE(timeline.go_to(point));
        ASSERT_EQ(portrait(*machine), portraits[point]) << point;
        ASSERT_EQ(timeline.step_back(), point == 0 ? BackEnd::StartOfHistory : BackEnd::Reached);
    }
    ASSERT_TRUE(timeline.go_to(length));
    EXPECT_EQ(portrait(*machine), end);
}

INSTANTIATE_TEST_SUITE_P(Of, Property, testing::ValuesIn(subjects()),
                         [](const auto& one) { return one.param.name; });

// Debian's kernel on two CPUs, in the middle of its boot.
TEST(DebianLinux, IsRestoredAndGoesBackInTime) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    constexpr std::uint64_t kPoint = 250'000'000;
    constexpr std::uint64_t kEnd = kPoint + 60'000'000;
    const auto boot = [&] {
        MachineConfig config;
        config.cpus = 2;
        auto machine = std::move(Machine::create(config)).value();
        EXPECT_TRUE(load_boot_image(
            *machine, {.kernel = kernel, .command_line = "console=ttyS0 mitigations=off"}));
        return machine;
    };
    const std::unique_ptr<Machine> plain = boot();
    plain->run(up_to(kPoint));
    const Result<StatePtr> state = decode_state(encode_state(*plain->save()), "file");
    ASSERT_TRUE(state) << state.error().message();
    const std::string middle = portrait(*plain);
    plain->run(up_to(kEnd));
    const std::string end = portrait(*plain);

    const std::unique_ptr<Machine> other = boot();
    ASSERT_TRUE(other->restore(**state));
    EXPECT_EQ(portrait(*other), middle);
    Timeline timeline(*other, {.interval = 20'000'000});
    timeline.run(up_to(kEnd));
    EXPECT_EQ(portrait(*other), end);
    EXPECT_TRUE(alike(*other, *plain));
    ASSERT_TRUE(timeline.go_to(kPoint));
    EXPECT_EQ(portrait(*other), middle);
    timeline.run(up_to(kEnd));
    EXPECT_EQ(portrait(*other), end);
}

}  // namespace
}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
// States that somebody has changed: each is refused, or is a guest that runs for a while or ends,
// whatever it makes of the CPU and the devices. TRAPGATE_FORGED_STEP=1 changes every byte.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/emu/input/typed_guest.hpp"
#include "tests/emu/snapshot/machines.hpp"
#include "tests/emu/wild/device_storm.hpp"
#include "tests/emu/wild/knobs.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint64_t kInstructions = 100'000;

/// Runs what was restored; false when the host had to stop it.
bool runs_or_ends(Machine& machine) {
    RunLimits limits;
    limits.max_instructions = machine.counters().instructions + kInstructions;
    limits.max_cycles = machine.now() + Cycles{1'000'000'000};
    limits.max_host_seconds = 20;
    return machine.run(limits).reason != StopReason::TimeLimit;
}

struct Outcome {
    unsigned refused = 0;
    unsigned ran = 0;
};

class Forger {
public:
    Forger(Machine& machine, StatePtr good) : machine_(machine), good_(std::move(good)) {}

    void try_state(const MachineState& forged, const std::string& what) {
        const Result<void> restored = machine_.restore(forged);
        if (!restored) {
            EXPECT_FALSE(restored.error().what.empty());
            ++outcome_.refused;
            return;
        }
        ++outcome_.ran;
        EXPECT_TRUE(runs_or_ends(machine_)) << what;
    }

    /// `step` bytes apart.
    void change_parts(std::size_t first, std::size_t step) {
        for (std::size_t at = first; at < good_->parts.size(); at += step) {
            const auto was = std::to_integer<unsigned>(good_->parts[at]);
            for (const unsigned value : {was ^ 1U, was ^ 0x80U, 0xffU, 0U}) {
                if (value == was) {
                    continue;
                }
                MachineState forged = *good_;
                forged.parts[at] = static_cast<std::byte>(value);
                try_state(forged, fmt::format("byte {} is {:#x}", at, value));
            }
            // A whole number of 8 bytes.
            MachineState forged = *good_;
            const std::size_t bytes = std::min<std::size_t>(8, forged.parts.size() - at);
            std::fill_n(forged.parts.begin() + static_cast<std::ptrdiff_t>(at), bytes,
                        std::byte{0xff});
            try_state(forged, fmt::format("bytes from {} are 0xff", at));
            if (testing::Test::HasFailure()) {
                return;
            }
        }
    }
    [[nodiscard]] const Outcome& outcome() const { return outcome_; }

private:
    Machine& machine_;
    StatePtr good_;
    Outcome outcome_;
};

void expect_harmless(Machine& machine, std::size_t usual_step) {
    const std::size_t step = number_in("TRAPGATE_FORGED_STEP", usual_step);
    const std::size_t first = number_in("TRAPGATE_FORGED_FIRST", 0);
    Forger forger(machine, machine.save());
    forger.change_parts(first, step);
    EXPECT_GT(forger.outcome().refused, 0U);
    EXPECT_GT(forger.outcome().ran, 0U);
}

TEST(ForgedState, OfAGuestThatUsesAllDevices) {
    DeviceStorm storm(6);
    storm.run_to(50'000);
    expect_harmless(*storm.machine, 61);
}

TEST(ForgedState, OfTwoCpus) {
    TypedGuest guest({.sleeps = true, .ticks = true, .cpus = 2});
    RunLimits limits;
    limits.max_instructions = 60'000;
    guest.machine->run(limits);
    expect_harmless(*guest.machine, 127);
}

TEST(ForgedState, OfTheMinikernel) {
    MiniGuest guest;
    guest.run_to(150'000);
    expect_harmless(*guest.machine, 61);
}

}  // namespace
}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
// A guest that does everything to its devices: the host goes on, and every state it comes to can be
// saved and restored.
#include "tests/emu/wild/device_storm.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/emu/snapshot/machines.hpp"
#include "tests/emu/wild/knobs.hpp"

namespace trapgate::emu {
namespace {

// A million accesses. TRAPGATE_STORM_SEEDS and TRAPGATE_STORM_INSNS make it longer.
TEST(DeviceStorm, NeverStopsTheHost) {
    const std::uint64_t instructions = number_in("TRAPGATE_STORM_INSNS", 6'000'000);
    std::uint64_t accesses = 0;
    for (std::uint64_t seed = 1; seed <= number_in("TRAPGATE_STORM_SEEDS", 10); ++seed) {
        SCOPED_TRACE(seed);
        DeviceStorm storm(seed);
        const StopEvent stop = storm.run_to(instructions);
        EXPECT_TRUE(stop.reason == StopReason::InsnLimit || stop.reason == StopReason::Dead)
            << static_cast<int>(stop.reason);
        accesses += storm.accesses();
    }
    EXPECT_GT(accesses, instructions / 10);
}

}  // namespace
}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "emu/boot.hpp"

namespace trapgate::emu {

/// The minikernel in a machine of its own, with all that it wrote to the console.
struct MiniGuest {
    explicit MiniGuest(const std::string& command_line = "", std::uint64_t ram_bytes = 32U << 20,
                       unsigned cpus = 1);
    /// To this number of instructions, or to the guest's end.
    StopEvent run_to(std::uint64_t instructions);

    std::unique_ptr<Machine> machine;
    std::string console;
};

/// A hash of all memory that is not zero.
[[nodiscard]] std::uint64_t memory_hash(Machine& machine);

/// Everything that can be compared of a machine, as text: one line each, so that a difference
/// shows.
[[nodiscard]] std::string portrait(Machine& machine);

/// Both machines are alike in every byte of their saved states.
[[nodiscard]] testing::AssertionResult alike(Machine& a, Machine& b);

/// The images of a state are what memory holds: no change was missed.
[[nodiscard]] testing::AssertionResult complete(Machine& machine, const MachineState& state);

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "emu/machine_runner.hpp"

namespace trapgate::kernel {

/// More than any kernel needs to come so far, its own decompression included.
inline constexpr std::uint64_t kEarlyBootInstructions = 8'000'000'000;

/// Runs a freshly loaded kernel up to where probes can be armed. It must have mapped itself, and it
/// must have done with checking and rewriting its own text: Linux compares instructions with what
/// it expects there (ftrace, alternatives) until start_kernel calls rest_init. So the run ends at
/// the first instruction of rest_init, without that symbol at start_kernel's, and without both it
/// does not begin. No count shows that the run was stopped here. The ending, if the guest ended (or
/// took kEarlyBootInstructions) before.
/// `runner`, when there is one, runs the machine.
[[nodiscard]] std::optional<emu::StopEvent> boot_until_probes_can_be_armed(
    emu::Machine& machine, emu::MachineRunner* runner = nullptr);

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "emu/machine.hpp"

namespace trapgate::kernel {

/// More than any kernel needs before start_kernel, its own decompression included.
inline constexpr std::uint64_t kEarlyBootInstructions = 8'000'000'000;

/// Runs a freshly loaded kernel up to the first instruction of start_kernel, where it has mapped
/// itself and probes can be armed. Without that symbol it does not run at all. No count shows that
/// the run was stopped here. The ending, if the guest ended (or took kEarlyBootInstructions)
/// before.
[[nodiscard]] std::optional<emu::StopEvent> boot_to_start_kernel(emu::Machine& machine);

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>

#include "emu/machine.hpp"

namespace trapgate::kernel {

/// Runs a freshly loaded kernel up to the first instruction of start_kernel, where it has mapped
/// itself and probes can be armed; without that symbol, until its first text symbol is mapped. No
/// count shows that the run was stopped here. The ending, if the guest ended before.
[[nodiscard]] std::optional<emu::StopEvent> boot_to_start_kernel(emu::Machine& machine);

}  // namespace trapgate::kernel

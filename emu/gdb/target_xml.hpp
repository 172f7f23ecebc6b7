// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "emu/machine.hpp"

namespace trapgate::emu::gdb {

/// The memory map (gdb manual, "Memory Map Format"). gdb's addresses are virtual: both canonical
/// halves are RAM, and gdb refuses by itself what lies between them.
[[nodiscard]] std::string memory_map();

/// The thread list (gdb manual, "Thread List Format"): a thread for each CPU, numbered from 1.
[[nodiscard]] std::string thread_list(const Machine& machine);
/// "CPU#0 [running]", "CPU#1 [halted]".
[[nodiscard]] std::string thread_text(const Machine& machine, unsigned cpu);

}  // namespace trapgate::emu::gdb

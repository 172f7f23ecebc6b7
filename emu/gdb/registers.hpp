// SPDX-License-Identifier: GPL-2.0-only
// The registers of one CPU as gdb numbers them: one table gives the target description, the g
// packet and the single ones. Names and order of the first three features are gdb's (gdb manual,
// "i386 Features"); the system registers are named as QEMU's gdb server names them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/cpu_state.hpp"

namespace trapgate::emu::gdb {

inline constexpr std::size_t kRegisterCount = 66;
inline constexpr std::size_t kRbpNumber = 6, kRspNumber = 7, kRipNumber = 16;

/// Where a CPU is, as far as debuggers are concerned.
struct RegisterValues {
    cpu::RegisterFile file;
    cpu::FpuState fpu;
};

[[nodiscard]] RegisterValues read_registers(const Cpu& cpu);

/// The bytes of register `number` (below kRegisterCount), in memory order.
[[nodiscard]] std::vector<std::byte> register_bytes(const RegisterValues& values,
                                                    std::size_t number);
/// All of them, in their order.
[[nodiscard]] std::vector<std::byte> all_register_bytes(const RegisterValues& values);

/// Sets one register. False for a number or size that does not exist, and for those that a debugger
/// may only look at: selectors, CR0, CR4, CR8, EFER, pointers of the x87.
[[nodiscard]] bool write_register(Cpu& cpu, std::size_t number, std::span<const std::byte> bytes);
/// Sets all that differ; registers that can only be looked at must be as they are.
[[nodiscard]] bool write_all_registers(Cpu& cpu, std::span<const std::byte> bytes);

/// target.xml.
[[nodiscard]] std::string target_description();

}  // namespace trapgate::emu::gdb

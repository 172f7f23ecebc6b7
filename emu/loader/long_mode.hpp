// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "cpu/registers.hpp"
#include "emu/memory.hpp"

namespace trapgate::emu {

/// The CPU state in which 64-bit kernels are entered: paging on with the given root, flat segments
/// CS = 0x10 and DS = ES = SS = 0x18 from a GDT written at `gdt` (32 bytes), interrupts off, CPL 0.
/// No IDT and no TSS yet.
[[nodiscard]] cpu::RegisterFile long_mode_registers(PhysicalMemory& memory, GuestPa gdt,
                                                    GuestPa pml4);

/// Fills consecutive pages from `tables` on with page tables that map [0, 4 GiB) to itself by 2 MiB
/// pages (6 pages).
void write_identity_map(PhysicalMemory& memory, GuestPa tables);

/// Stores one 8-byte entry.
void write_entry(PhysicalMemory& memory, GuestPa table, unsigned index, std::uint64_t value);

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "emu/memory.hpp"

namespace trapgate::emu {

/// Writes the MP floating pointer structure (at 0xf0000) and configuration table, as a PC's
/// firmware does: the CPUs, the ISA bus, the IO-APIC with IRQ 0 on pin 2 and the other ISA
/// interrupts on their own pins, and the LINT wiring. Source: Intel MultiProcessor
/// Specification 1.4.
void write_mp_table(PhysicalMemory& memory, unsigned cpus);

}  // namespace trapgate::emu

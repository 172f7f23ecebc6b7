// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// struct boot_params, the "zero page" of the Linux x86 boot protocol, as far as a kernel entered
/// at its 64-bit entry point reads it. Offsets: Documentation/arch/x86/zero-page.rst and boot.rst.

#include <cstdint>
#include <span>
#include <vector>

#include "emu/memory.hpp"

namespace trapgate::emu {

struct E820Entry {
    std::uint64_t base;
    std::uint64_t bytes;
    std::uint32_t type;  ///< 1 = RAM, 2 = reserved
};

/// Where an initrd was placed.
struct PlacedInitrd {
    GuestPa base;
    std::uint64_t bytes = 0;
};

struct BootParams {
    GuestPa command_line;
    std::vector<E820Entry> e820;
    PlacedInitrd initrd;
    /// A bzImage's own setup header, from 0x1f1 on; empty for an ELF image, which gets one made up.
    std::span<const std::byte> setup_header;
};

/// The map that the machine tells of: conventional memory, the BIOS area, and RAM from 1 MiB on.
[[nodiscard]] std::vector<E820Entry> make_e820(std::uint64_t ram_bytes);

/// Writes the page at `at`, which must be RAM.
void write_boot_params(PhysicalMemory& memory, GuestPa at, const BootParams& params);

}  // namespace trapgate::emu

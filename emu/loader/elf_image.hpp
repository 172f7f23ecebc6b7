// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "emu/symbols.hpp"

namespace trapgate::emu {

/// One PT_LOAD: file bytes followed by zeroes.
struct ElfSegment {
    GuestPa physical;
    GuestVa virtual_address;
    std::vector<std::byte> bytes;
    std::uint64_t memory_bytes = 0;  ///< At least bytes.size().
};

/// An x86-64 ELF executable, taken apart.
struct ElfImage {
    std::uint64_t entry = 0;
    std::vector<ElfSegment> segments;
    std::vector<Symbol> symbols;
    std::vector<std::byte> btf;  ///< The .BTF section; empty without one.
};

/// Reads a kernel image. Errors name the file and what is wrong with it: not an ELF file, another
/// machine or class, cut short, no segments to load.
[[nodiscard]] Result<ElfImage> read_elf_image(const std::filesystem::path& path);

}  // namespace trapgate::emu

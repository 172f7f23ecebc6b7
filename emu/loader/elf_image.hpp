// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "emu/symbols.hpp"

namespace trapgate::emu {

/// One PT_LOAD: file bytes followed by zeroes.
struct ElfSegment {
    GuestPa physical;
    GuestVa virtual_address;
    std::span<const std::byte> bytes;  ///< A piece of the file.
    std::uint64_t memory_bytes = 0;    ///< At least bytes.size().
};

/// An x86-64 ELF executable, taken apart. Segments and BTF point into the file, which must stay.
struct ElfImage {
    std::uint64_t entry = 0;
    std::vector<ElfSegment> segments;
    std::vector<Symbol> symbols;     ///< Of .symtab; a stripped image has none.
    std::span<const std::byte> btf;  ///< The .BTF section; empty without one.
};

/// Reads a kernel image. `name` is the file's name for errors: not an ELF file, another machine or
/// class, cut short, no segments to load.
[[nodiscard]] Result<ElfImage> read_elf_image(std::span<const std::byte> file,
                                              const std::string& name);

}  // namespace trapgate::emu

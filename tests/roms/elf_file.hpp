// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace trapgate::roms {

struct ElfSection {
    std::uint64_t address = 0, bytes = 0, flags = 0;
};

struct ElfSymbol {
    std::uint64_t address = 0, bytes = 0;
    unsigned char type = 0;  ///< STT_*
    std::string section;
};

struct ElfProgramHeader {
    std::uint64_t virtual_address = 0, physical_address = 0, bytes = 0;
    std::uint32_t type = 0, flags = 0;
};

/// What the tests want to know of an ELF file. The test fails when it cannot be read.
struct ElfFile {
    std::uint64_t entry = 0;
    std::map<std::string, ElfSection> sections;
    std::multimap<std::string, ElfSymbol> symbols;
    std::vector<ElfProgramHeader> program_headers;
};

ElfFile read_elf(const std::filesystem::path& path);

/// A guest image of this build: share/trapgate/`name`.
std::filesystem::path guest_image(const std::string& name);

}  // namespace trapgate::roms

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/address.hpp"

namespace trapgate::cli {

struct SourceLine {
    std::string file;  ///< The last two parts of its path: "fs/open.c".
    unsigned line = 0;
    std::string text;  ///< The line itself, trimmed; empty when the source is not at hand.
};

/// Where the function that begins at `entry` in an ELF file is defined, by the file's DWARF.
[[nodiscard]] std::optional<SourceLine> find_function_source(const std::filesystem::path& elf,
                                                             GuestVa entry);

}  // namespace trapgate::cli

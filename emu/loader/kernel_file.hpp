// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "emu/loader/bzimage.hpp"
#include "emu/loader/elf_image.hpp"
#include "emu/symbols.hpp"

namespace trapgate::emu {

/// A kernel as it is on disk, whatever it is wrapped in.
struct KernelFile {
    std::vector<std::byte> storage;     ///< What `elf` points into. Moving keeps it valid.
    std::optional<SetupHeader> header;  ///< Of a bzImage.
    ElfImage elf;                       ///< With symbols and BTF also where section headers fail.
};

/// Reads an ELF64 kernel or a Linux bzImage, told apart by their first bytes. Errors name the file:
/// those of read_elf_image() and read_bzimage(), and files that are neither.
[[nodiscard]] Result<KernelFile> read_kernel_file(const std::filesystem::path& path);

/// The same of a file's bytes.
[[nodiscard]] Result<KernelFile> parse_kernel_file(std::vector<std::byte> file,
                                                   const std::string& name);

}  // namespace trapgate::emu

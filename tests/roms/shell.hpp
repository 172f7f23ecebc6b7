// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "emu/boot.hpp"
#include "tests/emu/loader/linux_files.hpp"

namespace trapgate::roms {

struct Ran {
    emu::StopEvent stop;
    std::string console;
    std::uint64_t instructions = 0;
};

struct GuestFile {
    std::string path;
    std::vector<std::byte> bytes;
};

struct ShellOptions {
    unsigned cpus = 1;
    std::uint64_t ram_bytes = 256ULL << 20;
    std::uint64_t max_instructions = 2'000'000'000;
    /// Put into the guest's /bin, under their own names.
    std::vector<std::filesystem::path> programs = {};
    std::vector<GuestFile> files = {};
};

/// An initramfs with Debian's busybox, whose shell runs `command`.
std::vector<std::byte> shell_archive(const std::filesystem::path& busybox,
                                     const std::string& command,
                                     const std::vector<std::filesystem::path>& programs = {},
                                     const std::vector<GuestFile>& files = {});

/// Boots the minikernel with Debian's busybox, and lets its shell run `command`.
Ran run_shell(const std::filesystem::path& busybox, const std::string& command,
              const ShellOptions& options = {});

/// Boots the minikernel with what `trapgate run` gives it, and runs a program of ours (a guest
/// image) alone, with these arguments.
Ran run_program(const std::string& name, const std::vector<std::string>& arguments,
                const ShellOptions& options = {});

}  // namespace trapgate::roms

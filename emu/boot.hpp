// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "emu/machine.hpp"

namespace trapgate::emu {

/// What to boot, by the Linux x86-64 64-bit boot protocol (Documentation/x86/boot.rst).
struct BootImage {
    std::filesystem::path kernel;  ///< ELF64 kernel or Linux bzImage.
    std::string command_line{};
    /// Initramfs: newc cpio, also compressed, also several one after the other; none when empty.
    std::filesystem::path initrd{};
    /// A cpio archive (emu/loader/cpio.hpp) that the guest unpacks after the initrd; may be empty.
    std::vector<std::byte> initrd_overlay{};
};

/// Loads the kernel and the initrd into RAM, writes boot_params with the e820 map, sets the CPU to
/// the protocol's entry state, and gives the machine the image's symbols and BTF; those of a Linux
/// image without .symtab come from its kallsyms tables. Errors name the file and what is wrong with
/// it.
[[nodiscard]] Result<void> load_boot_image(Machine& machine, const BootImage& image);

/// A machine without a kernel: long mode, CPL 0, interrupts off, page tables made by the host that
/// map all RAM at kBareDirectMap and the probe window; RIP and RSP are the caller's to set. Ready
/// in a few milliseconds.
[[nodiscard]] Result<std::unique_ptr<Machine>> make_bare_machine(const MachineConfig& config = {
                                                                     .ram_bytes = 16ULL << 20});
inline constexpr GuestVa kBareDirectMap{0xffff'ffff'8000'0000};
/// RAM below this physical address holds the bare machine's own tables.
inline constexpr GuestPa kBareFreeRam{0x1'0000};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "emu/loader/boot_params.hpp"

namespace trapgate::emu {

/// Looks at an initramfs as the guest will: cpio archives and compressed ones, in any number, with
/// zeroes between them. Unpacks what can be unpacked, to find damage before the guest does; lz4,
/// lzo and bzip2 are taken as they are. `unpacked_limit` (the guest's RAM) bounds each piece.
/// Errors name the file and the place.
[[nodiscard]] Result<void> check_initrd(std::span<const std::byte> initrd, const std::string& name,
                                        std::uint64_t unpacked_limit);

/// The initrd and what is to be unpacked over it, as one: the overlay begins at a multiple of 4.
[[nodiscard]] std::vector<std::byte> join_initrd(std::vector<std::byte> initrd,
                                                 std::span<const std::byte> overlay);

/// Where an initrd may go.
struct InitrdSpace {
    std::uint64_t lowest = 0;  ///< End of the kernel.
    std::uint64_t end = 0;     ///< End of RAM.
};

/// Copies the initrd to the highest pages of `space`; ENOMEM when it does not fit.
[[nodiscard]] Result<PlacedInitrd> place_initrd(PhysicalMemory& memory,
                                                std::span<const std::byte> initrd,
                                                const InitrdSpace& space, const std::string& name);

}  // namespace trapgate::emu

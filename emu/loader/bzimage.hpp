// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Linux's bzImage: real-mode setup sectors with the setup header of the x86 boot protocol, then a
/// protected-mode part that carries the compressed vmlinux. The setup code and the decompressor are
/// not run: the loader unpacks the payload itself and enters vmlinux directly, which saves 4.6 G
/// guest instructions and leaves the kernel at the addresses its symbols name.
/// Offsets: Documentation/arch/x86/boot.rst; payload_offset and payload_length need protocol 2.08.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace trapgate::emu {

/// The setup header as it stands in the image, from offset 0x1f1 to where its own length byte says.
struct SetupHeader {
    std::vector<std::byte> bytes;
    std::uint16_t protocol = 0;          ///< 0x020f = 2.15
    std::uint32_t initrd_max = 0;        ///< Highest address an initrd may occupy.
    std::uint32_t command_line_max = 0;  ///< Bytes, without the NUL.
};

struct BzImage {
    SetupHeader header;
    std::vector<std::byte> vmlinux;  ///< The unpacked payload, an ELF file.
};

/// True when the file has a Linux boot sector ("HdrS" at 0x202).
[[nodiscard]] bool is_bzimage(std::span<const std::byte> file);

/// No kernel unpacks to more; a payload that claims or does so is refused.
inline constexpr std::uint64_t kMaxVmlinux = 512ULL << 20;

/// Takes a bzImage apart. `name` is the file's name for errors: cut short, an old protocol, a
/// 32-bit kernel, a compression that is not supported (named), damaged data, too large.
[[nodiscard]] Result<BzImage> read_bzimage(std::span<const std::byte> file,
                                           const std::string& name);

}  // namespace trapgate::emu

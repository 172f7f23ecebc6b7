// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The compressions that Linux kernels and initramfs archives come in, told apart by their first
/// bytes. Magic numbers: RFC 1952 (gzip), the .xz file format, LZMA SDK's .lzma header,
/// RFC 8878 (zstd), the LZ4 frame and legacy formats, lzop, bzip2.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace trapgate::emu {

enum class Compression : std::uint8_t { Gzip, Xz, Lzma, Zstd, Lz4, Lzo, Bzip2 };

/// "gzip", "xz", ...
[[nodiscard]] std::string_view compression_name(Compression format);

/// What the first bytes say; nothing when they are none of these.
[[nodiscard]] std::optional<Compression> detect_compression(std::span<const std::byte> bytes);

/// True for the formats that unpack() can read: gzip, xz, lzma and zstd.
[[nodiscard]] bool can_unpack(Compression format);

/// Receives output in order, piece by piece.
using UnpackSink = std::function<void(std::span<const std::byte>)>;

/// Unpacks one stream from the start of `packed`, at most `limit` bytes of it; returns how many
/// bytes of `packed` the stream takes. What follows the stream is not looked at. Errors: ENOTSUP
/// for a format that can_unpack() denies, EFBIG beyond the limit (nothing beyond it is delivered),
/// EBADMSG for damage or a missing end.
[[nodiscard]] Result<std::size_t> unpack(Compression format, std::span<const std::byte> packed,
                                         std::uint64_t limit, const UnpackSink& sink);

/// The same into one vector.
[[nodiscard]] Result<std::vector<std::byte>> unpack_all(Compression format,
                                                        std::span<const std::byte> packed,
                                                        std::uint64_t limit);

}  // namespace trapgate::emu

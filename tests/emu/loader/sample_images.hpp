// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Small images made on the spot: right ones, for tests to damage. Also the fuzzers' seeds.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "emu/loader/decompress.hpp"
#include "emu/symbols.hpp"

namespace trapgate::emu::samples {

using Bytes = std::vector<std::byte>;

[[nodiscard]] Bytes bytes_of(std::string_view text);
void append(Bytes& to, const void* from, std::size_t bytes);
template <class T>
void append_value(Bytes& to, T value) {
    append(to, &value, sizeof(value));
}
template <class T>
void patch(Bytes& bytes, std::size_t at, T value) {
    const auto* const from = reinterpret_cast<const std::byte*>(&value);
    std::copy(from, from + sizeof(value), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

struct Segment {
    std::uint64_t physical = 0x20'0000;
    std::uint64_t linked = 0xffff'ffff'8100'0000;
    Bytes bytes;
    std::uint64_t memory_bytes = 0;  ///< 0 = as many as `bytes`.
};

/// An ELF64 x86-64 executable without section headers; its entry is the first segment's start.
[[nodiscard]] Bytes elf(const std::vector<Segment>& segments);

/// Packs by the library's own encoder; gzip, xz (with x86 BCJ, as kernels are), lzma, zstd.
[[nodiscard]] Bytes pack(Compression format, const Bytes& plain);

/// A bzImage of protocol 2.15 with this payload, which is followed by `size_field`.
[[nodiscard]] Bytes bzimage(const Bytes& payload, std::uint32_t size_field);
/// Where its payload begins.
inline constexpr std::size_t kBzImagePayload = 2 * 512 + 64;

/// How a kernel's kallsyms tables are laid out.
struct KallsymsLayout {
    bool offsets_last = false;    ///< As since 6.4.
    bool with_sequences = false;  ///< seqs_of_names is there.
    bool absolute_percpu = true;  ///< CONFIG_KALLSYMS_ABSOLUTE_PERCPU
    std::size_t alignment = 8;
};

/// Read-only data with kallsyms tables among other bytes. `symbols` are in address order.
[[nodiscard]] Bytes kallsyms(const std::vector<Symbol>& symbols, const KallsymsLayout& layout);

/// `count` symbols with names like a kernel's, the first few of them per-CPU ones.
[[nodiscard]] std::vector<Symbol> some_symbols(std::size_t count);

}  // namespace trapgate::emu::samples

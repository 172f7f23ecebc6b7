// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// What every libFuzzer harness here shares. A harness states what must hold for any bytes;
/// breaking it is a find, as a crash, a sanitizer's report or a second of looping is.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace trapgate::fuzz {

inline void must(bool holds) {
    if (!holds) {
        std::abort();
    }
}

inline bool lies_in(std::span<const std::byte> piece, std::span<const std::byte> whole) {
    return piece.empty() || (piece.data() >= whole.data() && piece.size() <= whole.size() &&
                             piece.data() - whole.data() <=
                                 static_cast<std::ptrdiff_t>(whole.size() - piece.size()));
}

}  // namespace trapgate::fuzz

/// The body of a harness: `input` is a std::span<const std::byte>.
#define TRAPGATE_FUZZ(input)                                                         \
    static void fuzz_one(std::span<const std::byte> input);                          \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t n) { \
        fuzz_one(std::as_bytes(std::span(data, n)));                                 \
        return 0;                                                                    \
    }                                                                                \
    static void fuzz_one(std::span<const std::byte> input)

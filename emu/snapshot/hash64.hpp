// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace trapgate::emu {

/// A quick 64-bit hash for identities and against accidents, not against malice. The same bytes in
/// the same pieces give the same number on every host.
class Hash64 {
public:
    void add(std::uint64_t word) {
        constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15;  // 2^64 / golden ratio
        value_ = (value_ ^ word) * kOdd;
        value_ ^= value_ >> 32;
    }
    void add(std::span<const std::byte> bytes) {
        add(std::uint64_t{bytes.size()});
        while (!bytes.empty()) {
            std::uint64_t word = 0;
            const std::size_t step = bytes.size() < sizeof(word) ? bytes.size() : sizeof(word);
            std::memcpy(&word, bytes.data(), step);
            add(word);
            bytes = bytes.subspan(step);
        }
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 0x7472'6170'6761'7465;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <compare>
#include <cstdint>

namespace trapgate {

/// A guest virtual address (linear, canonical or not).
struct GuestVa {
    std::uint64_t value = 0;
    auto operator<=>(const GuestVa&) const = default;
};

/// A guest physical address.
struct GuestPa {
    std::uint64_t value = 0;
    auto operator<=>(const GuestPa&) const = default;
};

/// Modelled CPU cycles: a point in virtual time or a span of it. The only time there is.
struct Cycles {
    std::uint64_t value = 0;
    auto operator<=>(const Cycles&) const = default;
};

constexpr GuestVa operator+(GuestVa a, std::uint64_t n) { return {a.value + n}; }
constexpr GuestVa operator-(GuestVa a, std::uint64_t n) { return {a.value - n}; }
constexpr std::uint64_t operator-(GuestVa a, GuestVa b) { return a.value - b.value; }
constexpr GuestPa operator+(GuestPa a, std::uint64_t n) { return {a.value + n}; }
constexpr std::uint64_t operator-(GuestPa a, GuestPa b) { return a.value - b.value; }
constexpr Cycles operator+(Cycles a, Cycles b) { return {a.value + b.value}; }
constexpr Cycles operator-(Cycles a, Cycles b) { return {a.value - b.value}; }

inline constexpr std::uint64_t kPageBytes = 4096;

/// Rounds up to a whole number of 4 KiB pages; n must be below 2^64 - 4095.
constexpr std::uint64_t page_align_up(std::uint64_t n) {
    return (n + kPageBytes - 1) & ~(kPageBytes - 1);
}

}  // namespace trapgate

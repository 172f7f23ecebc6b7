// SPDX-License-Identifier: GPL-2.0-only
// Tristate numbers: each bit is 0, 1 or unknown. A set bit of `mask` means unknown; `value` has the
// known bits and 0 where unknown. Every operation is sound: the result contains op(x, y) for all x
// and y in the operands ("Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers",
// CGO 2022).
#pragma once

#include <bit>
#include <cstdint>

namespace trapgate::bpf {

struct Tnum {
    std::uint64_t value = 0;
    std::uint64_t mask = 0;

    bool operator==(const Tnum&) const = default;

    [[nodiscard]] static constexpr Tnum constant(std::uint64_t v) { return {v, 0}; }
    [[nodiscard]] static constexpr Tnum unknown() { return {0, ~0ULL}; }
    /// The smallest tnum with all of [min, max]: the bits above their highest difference are known.
    [[nodiscard]] static constexpr Tnum range(std::uint64_t min, std::uint64_t max) {
        const int differing = 64 - std::countl_zero(min ^ max);
        if (differing > 63) {
            return unknown();
        }
        const std::uint64_t low = (1ULL << differing) - 1;
        return {min & ~low, low};
    }

    [[nodiscard]] constexpr bool is_const() const { return mask == 0; }
    [[nodiscard]] constexpr bool is_unknown() const { return mask == ~0ULL; }
    /// Every number of `inner` is one of ours.
    [[nodiscard]] constexpr bool contains(Tnum inner) const {
        return (inner.mask & ~mask) == 0 && value == (inner.value & ~mask);
    }
    /// All numbers are multiples of a power of two.
    [[nodiscard]] constexpr bool is_aligned(std::uint64_t size) const {
        return ((value | mask) & (size - 1)) == 0;
    }

    [[nodiscard]] constexpr Tnum add(Tnum b) const {
        const std::uint64_t sum_masks = mask + b.mask;
        const std::uint64_t sum_values = value + b.value;
        const std::uint64_t carries = (sum_masks + sum_values) ^ sum_values;
        const std::uint64_t unknown_bits = carries | mask | b.mask;
        return {sum_values & ~unknown_bits, unknown_bits};
    }
    [[nodiscard]] constexpr Tnum sub(Tnum b) const {
        const std::uint64_t difference = value - b.value;
        const std::uint64_t highest = difference + mask;
        const std::uint64_t lowest = difference - b.mask;
        const std::uint64_t unknown_bits = (highest ^ lowest) | mask | b.mask;
        return {difference & ~unknown_bits, unknown_bits};
    }
    [[nodiscard]] constexpr Tnum neg() const { return constant(0).sub(*this); }
    [[nodiscard]] constexpr Tnum bit_and(Tnum b) const {
        const std::uint64_t maybe_ones = (value | mask) & (b.value | b.mask);
        const std::uint64_t ones = value & b.value;
        return {ones, maybe_ones & ~ones};
    }
    [[nodiscard]] constexpr Tnum bit_or(Tnum b) const {
        const std::uint64_t ones = value | b.value;
        return {ones, (mask | b.mask) & ~ones};
    }
    [[nodiscard]] constexpr Tnum bit_xor(Tnum b) const {
        const std::uint64_t unknown_bits = mask | b.mask;
        return {(value ^ b.value) & ~unknown_bits, unknown_bits};
    }
    [[nodiscard]] constexpr Tnum shl(unsigned n) const { return {value << n, mask << n}; }
    [[nodiscard]] constexpr Tnum shr(unsigned n) const { return {value >> n, mask >> n}; }
    /// Of a number of `bits` (32 or 64); the sign may be unknown.
    [[nodiscard]] constexpr Tnum sar(unsigned n, unsigned bits) const {
        if (bits == 32) {
            const auto v = static_cast<std::int32_t>(value) >> n;
            const auto m = static_cast<std::int32_t>(mask) >> n;
            return {static_cast<std::uint32_t>(v), static_cast<std::uint32_t>(m)};
        }
        return {static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> n),
                static_cast<std::uint64_t>(static_cast<std::int64_t>(mask) >> n)};
    }
    /// Long multiplication: each bit of ours adds a shifted b, surely or maybe.
    [[nodiscard]] constexpr Tnum mul(Tnum b) const {
        const std::uint64_t known_product = value * b.value;
        Tnum uncertain = constant(0);
        Tnum a = *this;
        while (a.value != 0 || a.mask != 0) {
            if ((a.value & 1) != 0) {
                uncertain = uncertain.add({0, b.mask});
            } else if ((a.mask & 1) != 0) {
                uncertain = uncertain.add({0, b.value | b.mask});
            }
            a = a.shr(1);
            b = b.shl(1);
        }
        return constant(known_product).add(uncertain);
    }
    /// What both allow. Only for numbers that have at least one value in common.
    [[nodiscard]] constexpr Tnum intersect(Tnum b) const {
        const std::uint64_t both_unknown = mask & b.mask;
        return {(value | b.value) & ~both_unknown, both_unknown};
    }
    /// Both say the same of every bit they know: an intersection exists.
    [[nodiscard]] constexpr bool overlaps(Tnum b) const {
        return ((value ^ b.value) & ~(mask | b.mask)) == 0;
    }
    /// The low `bytes` bytes, zero-extended.
    [[nodiscard]] constexpr Tnum cast(unsigned bytes) const {
        const std::uint64_t keep = bytes >= 8 ? ~0ULL : (1ULL << (bytes * 8)) - 1;
        return {value & keep, mask & keep};
    }
    [[nodiscard]] constexpr Tnum low32() const { return cast(4); }
    [[nodiscard]] constexpr Tnum without_low32() const {
        return {value & ~0xffffffffULL, mask & ~0xffffffffULL};
    }
    [[nodiscard]] constexpr Tnum with_low32(Tnum low) const {
        return without_low32().bit_or(low.low32());
    }
};

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// What the verifier knows of a number: a tnum for its bits, and signed and unsigned ranges for all
// 64 bits and for the low
// 32. The five views are kept in step by sync(): each learns from the others what is implied. All
// operations are sound: the result allows every value that the operation can give.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "bpf/verifier/tnum.hpp"

namespace trapgate::bpf {

/// Bounds of a number of one width, read both ways.
template <class Unsigned>
struct Range {
    using U = Unsigned;
    using S = std::make_signed_t<Unsigned>;
    static constexpr S kSMin = std::numeric_limits<S>::min();
    static constexpr S kSMax = std::numeric_limits<S>::max();
    static constexpr U kUMax = std::numeric_limits<U>::max();
    static constexpr U kSignBit = static_cast<U>(kSMin);

    S smin = kSMin;
    S smax = kSMax;
    U umin = 0;
    U umax = kUMax;

    bool operator==(const Range&) const = default;

    [[nodiscard]] static constexpr Range constant(U v) {
        return {static_cast<S>(v), static_cast<S>(v), v, v};
    }
    void forget_signed() { smin = kSMin, smax = kSMax; }
    void forget_unsigned() { umin = 0, umax = kUMax; }

    [[nodiscard]] constexpr bool is_empty() const { return smin > smax || umin > umax; }
    [[nodiscard]] constexpr bool is_const() const { return umin == umax && smin == smax; }
    [[nodiscard]] constexpr bool contains(const Range& inner) const {
        return smin <= inner.smin && smax >= inner.smax && umin <= inner.umin && umax >= inner.umax;
    }

    void at_least(U v) { umin = v > umin ? v : umin; }
    void at_most(U v) { umax = v < umax ? v : umax; }
    void at_least_signed(S v) { smin = v > smin ? v : smin; }
    void at_most_signed(S v) { smax = v < smax ? v : smax; }
    void intersect(const Range& other) {
        at_least(other.umin), at_most(other.umax);
        at_least_signed(other.smin), at_most_signed(other.smax);
    }

    void learn_bits(U value, U mask) {
        at_least_signed(static_cast<S>(value | (mask & kSignBit)));
        at_most_signed(static_cast<S>(value | (mask & static_cast<U>(kSMax))));
        at_least(value);
        at_most(value | mask);
    }
    /// Signed and unsigned bounds mean the same where neither crosses its own seam.
    void learn_other_sign();
};

/// Operations for which bounds of the result can be told.
enum class ScalarOp : std::uint8_t { Add, Sub, Mul, And, Or, Xor, Shl, Shr, Sar };

struct Scalar {
    Tnum bits = Tnum::unknown();
    Range<std::uint64_t> wide;
    Range<std::uint32_t> low;

    bool operator==(const Scalar&) const = default;

    [[nodiscard]] static Scalar unknown() { return {}; }
    [[nodiscard]] static Scalar constant(std::uint64_t v);
    /// What a tnum alone tells.
    [[nodiscard]] static Scalar of_bits(Tnum bits);
    /// An unknown number of `bytes` bytes, zero- or sign-extended to 64 bits.
    [[nodiscard]] static Scalar of_size(std::uint32_t bytes, bool is_signed);

    [[nodiscard]] bool is_const() const { return bits.is_const(); }
    [[nodiscard]] std::uint64_t value() const { return bits.value; }
    [[nodiscard]] bool is_zero() const { return bits == Tnum::constant(0); }
    [[nodiscard]] bool low_is_const() const { return bits.low32().is_const(); }
    [[nodiscard]] bool is_empty() const { return wide.is_empty() || low.is_empty(); }
    /// Everything `inner` can be, we can be.
    [[nodiscard]] bool contains(const Scalar& inner) const {
        return wide.contains(inner.wide) && low.contains(inner.low) && bits.contains(inner.bits);
    }
    /// Bits that can be set, counted from the lowest.
    [[nodiscard]] unsigned width() const {
        return 64 - static_cast<unsigned>(std::countl_zero(wide.umax));
    }

    void sync();
    /// Keeps the low `bytes` bytes.
    void zero_extend(std::uint32_t bytes);
    void sign_extend(std::uint32_t bytes);
    /// The low half is known better than the whole: the whole becomes the low half, zero-extended.
    void set_from_low32();

    /// `this op b`, in 64 bits or in the low 32 with the upper half zeroed. Shifts need a constant
    /// b below the width.
    [[nodiscard]] Scalar apply(ScalarOp op, const Scalar& b, bool is_32bit) const;
};

}  // namespace trapgate::bpf

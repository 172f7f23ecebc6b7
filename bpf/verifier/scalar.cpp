// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/verifier/scalar.hpp"

#include <algorithm>

namespace trapgate::bpf {

namespace {

constexpr std::uint64_t kHigh = ~0xffffffffULL;

std::uint32_t u32(std::uint64_t v) { return static_cast<std::uint32_t>(v); }
std::int32_t s32(std::uint64_t v) { return static_cast<std::int32_t>(v); }
std::int64_t s64(std::uint64_t v) { return static_cast<std::int64_t>(v); }

template <class R>
void add_ranges(R& a, const R& b) {
    typename R::S smin;
    typename R::S smax;
    if (__builtin_add_overflow(a.smin, b.smin, &smin) ||
        __builtin_add_overflow(a.smax, b.smax, &smax)) {
        a.forget_signed();
    } else {
        a.smin = smin, a.smax = smax;
    }
    // All sums wrap, or none does: else the result falls apart in two pieces.
    typename R::U umin;
    typename R::U umax;
    const bool min_wraps = __builtin_add_overflow(a.umin, b.umin, &umin);
    const bool max_wraps = __builtin_add_overflow(a.umax, b.umax, &umax);
    if (min_wraps != max_wraps) {
        a.forget_unsigned();
    } else {
        a.umin = umin, a.umax = umax;
    }
}

template <class R>
void sub_ranges(R& a, const R& b) {
    typename R::S smin;
    typename R::S smax;
    if (__builtin_sub_overflow(a.smin, b.smax, &smin) ||
        __builtin_sub_overflow(a.smax, b.smin, &smax)) {
        a.forget_signed();
    } else {
        a.smin = smin, a.smax = smax;
    }
    typename R::U umin;
    typename R::U umax;
    const bool min_wraps = __builtin_sub_overflow(a.umin, b.umax, &umin);
    const bool max_wraps = __builtin_sub_overflow(a.umax, b.umin, &umax);
    if (min_wraps != max_wraps) {
        a.forget_unsigned();
    } else {
        a.umin = umin, a.umax = umax;
    }
}

template <class R>
void mul_ranges(R& a, const R& b) {
    const R old = a;
    if (__builtin_mul_overflow(old.umax, b.umax, &a.umax) ||
        __builtin_mul_overflow(old.umin, b.umin, &a.umin)) {
        a.forget_unsigned();
    }
    typename R::S products[4];
    if (__builtin_mul_overflow(old.smin, b.smin, &products[0]) ||
        __builtin_mul_overflow(old.smin, b.smax, &products[1]) ||
        __builtin_mul_overflow(old.smax, b.smin, &products[2]) ||
        __builtin_mul_overflow(old.smax, b.smax, &products[3])) {
        a.forget_signed();
    } else {
        a.smin = *std::min_element(products, products + 4);
        a.smax = *std::max_element(products, products + 4);
    }
}

/// Signed bounds from unsigned ones that do not cross the sign seam.
template <class R>
void signed_from_unsigned(R& a) {
    using S = typename R::S;
    if (static_cast<S>(a.umin) <= static_cast<S>(a.umax)) {
        a.smin = static_cast<S>(a.umin), a.smax = static_cast<S>(a.umax);
    } else {
        a.forget_signed();
    }
}

template <class R>
void bitwise_ranges(R& a, const R& b, ScalarOp op, Tnum result) {
    using U = typename R::U;
    const auto value = static_cast<U>(result.value);
    const auto most = static_cast<U>(result.value | result.mask);
    if (op == ScalarOp::And) {
        a.umin = value, a.umax = std::min(a.umax, b.umax);
    } else if (op == ScalarOp::Or) {
        a.umin = std::max(a.umin, b.umin), a.umax = most;
    } else {
        a.umin = value, a.umax = most;
    }
    signed_from_unsigned(a);
}

template <class R>
void shl_range(R& a, unsigned n) {
    constexpr unsigned kBits = sizeof(typename R::U) * 8;
    a.forget_signed();
    if (n != 0 && (a.umax >> (kBits - n)) != 0) {
        a.forget_unsigned();
    } else {
        a.umin <<= n, a.umax <<= n;
    }
}

template <class R>
void shr_range(R& a, unsigned n) {
    a.forget_signed();
    a.umin >>= n, a.umax >>= n;
}

template <class R>
void sar_range(R& a, unsigned n) {
    a.smin >>= n, a.smax >>= n;
    a.forget_unsigned();
}

template <class R>
void apply_range(R& a, const R& b, ScalarOp op, Tnum result) {
    const auto n = static_cast<unsigned>(b.umin);
    switch (op) {
        case ScalarOp::Add: add_ranges(a, b); break;
        case ScalarOp::Sub: sub_ranges(a, b); break;
        case ScalarOp::Mul: mul_ranges(a, b); break;
        case ScalarOp::And:
        case ScalarOp::Or:
        case ScalarOp::Xor: bitwise_ranges(a, b, op, result); break;
        case ScalarOp::Shl: shl_range(a, n); break;
        case ScalarOp::Shr: shr_range(a, n); break;
        case ScalarOp::Sar: sar_range(a, n); break;
    }
}

Tnum apply_bits(ScalarOp op, Tnum a, Tnum b, unsigned width) {
    const auto n = static_cast<unsigned>(b.value);
    switch (op) {
        case ScalarOp::Add: return a.add(b);
        case ScalarOp::Sub: return a.sub(b);
        case ScalarOp::Mul: return a.mul(b);
        case ScalarOp::And: return a.bit_and(b);
        case ScalarOp::Or: return a.bit_or(b);
        case ScalarOp::Xor: return a.bit_xor(b);
        case ScalarOp::Shl: return a.shl(n);
        case ScalarOp::Shr: return a.shr(n);
        case ScalarOp::Sar: return a.sar(n, width);
    }
    return Tnum::unknown();
}

bool is_right_shift(ScalarOp op) { return op == ScalarOp::Shr || op == ScalarOp::Sar; }

/// Low bounds of a value that lies in [min, max] of the whole, when both ends share their upper
/// half or meet in the middle of two neighbouring ones.
template <class Wide>
void low_from_wide(Range<std::uint32_t>& low, Wide min, Wide max) {
    const auto lo = static_cast<std::uint64_t>(min);
    const auto hi = static_cast<std::uint64_t>(max);
    if (lo >> 32 == hi >> 32) {
        low.at_least(u32(lo));
        low.at_most(u32(hi));
        if (s32(lo) <= s32(hi)) {
            low.at_least_signed(s32(lo));
            low.at_most_signed(s32(hi));
        }
    }
    if (u32(lo >> 32) + 1 == u32(hi >> 32) && s32(lo) < 0 && s32(hi) >= 0) {
        low.at_least_signed(s32(lo));
        low.at_most_signed(s32(hi));
    }
}

/// The low bounds may tighten the ends of the whole: only the low halves of the ends move.
void wide_from_low(Range<std::uint64_t>& wide, std::uint32_t min, std::uint32_t max) {
    wide.at_least((wide.umin & kHigh) | min);
    wide.at_most((wide.umax & kHigh) | max);
    wide.at_least_signed(s64((static_cast<std::uint64_t>(wide.smin) & kHigh) | min));
    wide.at_most_signed(s64((static_cast<std::uint64_t>(wide.smax) & kHigh) | max));
}

}  // namespace

template <class Unsigned>
void Range<Unsigned>::learn_other_sign() {
    if (static_cast<S>(umin) <= static_cast<S>(umax)) {
        at_least_signed(static_cast<S>(umin));
        at_most_signed(static_cast<S>(umax));
    }
    if (static_cast<U>(smin) <= static_cast<U>(smax)) {
        at_least(static_cast<U>(smin));
        at_most(static_cast<U>(smax));
        return;
    }
    // The signed range is two pieces of the unsigned line. If the unsigned range touches one of
    // them only, that one is it.
    if (umax < static_cast<U>(smin)) {
        at_least_signed(static_cast<S>(umin));
        at_most(static_cast<U>(smax));
    } else if (static_cast<U>(smax) < umin) {
        at_most_signed(static_cast<S>(umax));
        at_least(static_cast<U>(smin));
    }
}

template struct Range<std::uint64_t>;
template struct Range<std::uint32_t>;

Scalar Scalar::constant(std::uint64_t v) {
    Scalar s;
    s.bits = Tnum::constant(v);
    s.wide = Range<std::uint64_t>::constant(v);
    s.low = Range<std::uint32_t>::constant(u32(v));
    return s;
}

Scalar Scalar::of_bits(Tnum bits) {
    Scalar s;
    s.bits = bits;
    s.sync();
    return s;
}

Scalar Scalar::of_size(std::uint32_t bytes, bool is_signed) {
    Scalar s;
    if (bytes >= 8) {
        return s;
    }
    if (is_signed) {
        s.sign_extend(bytes);
    } else {
        s.zero_extend(bytes);
    }
    return s;
}

void Scalar::sync() {
    const auto learn_bits = [this] {
        wide.learn_bits(bits.value, bits.mask);
        low.learn_bits(u32(bits.value), u32(bits.mask));
    };
    learn_bits();
    for (int round = 0; round < 3; ++round) {
        low_from_wide(low, wide.umin, wide.umax);
        low_from_wide(low, wide.smin, wide.smax);
        low.learn_other_sign();
        wide.learn_other_sign();
        wide_from_low(wide, low.umin, low.umax);
        if (u32(static_cast<std::uint32_t>(low.smin)) <= static_cast<std::uint32_t>(low.smax)) {
            wide_from_low(wide, static_cast<std::uint32_t>(low.smin),
                          static_cast<std::uint32_t>(low.smax));
        }
        // A sign-extended 32-bit number whose low half is not negative is that low half.
        if (low.smin >= 0 && wide.smin >= std::numeric_limits<std::int32_t>::min() &&
            wide.smax <= std::numeric_limits<std::int32_t>::max()) {
            wide.intersect({low.smin, low.smax, static_cast<std::uint64_t>(low.smin),
                            static_cast<std::uint64_t>(low.smax)});
        }
    }
    if (is_empty()) {
        return;  // The caller asks: an impossible path.
    }
    const Tnum by_wide = bits.intersect(Tnum::range(wide.umin, wide.umax));
    const Tnum by_low = by_wide.low32().intersect(Tnum::range(low.umin, low.umax));
    bits = by_wide.with_low32(by_low);
    learn_bits();
}

void Scalar::set_from_low32() {
    bits = bits.low32();
    wide = {};
    wide.umin = low.umin, wide.umax = low.umax;
    wide.smin = static_cast<std::int64_t>(low.umin);
    wide.smax = static_cast<std::int64_t>(low.umax);
    sync();
}

void Scalar::zero_extend(std::uint32_t bytes) {
    if (bytes >= 8) {
        return;
    }
    bits = bits.cast(bytes);
    const std::uint64_t keep = (1ULL << (bytes * 8)) - 1;
    // The bounds survive when all values share the part that is cut off.
    if ((wide.umin & ~keep) == (wide.umax & ~keep)) {
        wide.umin &= keep, wide.umax &= keep;
    } else {
        wide.umin = 0, wide.umax = keep;
    }
    wide.smin = static_cast<std::int64_t>(wide.umin);
    wide.smax = static_cast<std::int64_t>(wide.umax);
    if (bytes < 4) {
        low = {};
    }
    sync();
}

void Scalar::sign_extend(std::uint32_t bytes) {
    if (bytes >= 8) {
        return;
    }
    const unsigned shift = 64 - bytes * 8;
    const auto extend = [shift](std::uint64_t v) { return s64(v << shift) >> shift; };
    if (is_const()) {
        *this = constant(static_cast<std::uint64_t>(extend(bits.value)));
        return;
    }
    const std::int64_t limit = 1LL << (bytes * 8 - 1);
    std::int64_t least = -limit;
    std::int64_t most = limit - 1;
    // All values share the part that is cut off, and do not cross the new sign's seam.
    const std::uint64_t keep = (1ULL << (bytes * 8)) - 1;
    const auto first = static_cast<std::uint64_t>(wide.smin);
    const auto last = static_cast<std::uint64_t>(wide.smax);
    if ((first & ~keep) == (last & ~keep) && extend(first) <= extend(last)) {
        least = extend(first), most = extend(last);
    }
    *this = Scalar();
    wide.smin = least, wide.smax = most;
    sync();
}

Scalar Scalar::apply(ScalarOp op, const Scalar& b, bool is_32bit) const {
    Scalar r = *this;
    if (is_32bit) {
        r.bits = apply_bits(op, bits.low32(), b.bits.low32(), 32).low32();
        apply_range(r.low, b.low, op, r.bits);
        r.set_from_low32();
        return r;
    }
    r.bits = apply_bits(op, bits, b.bits, 64);
    apply_range(r.wide, b.wide, op, r.bits);
    if (op == ScalarOp::Shl && b.wide.umin == 32) {
        // Half of a sign extension by two shifts: the low half's signed bounds move up.
        r.wide.smin = static_cast<std::int64_t>(low.smin) * (1LL << 32);
        r.wide.smax = static_cast<std::int64_t>(low.smax) * (1LL << 32);
    }
    if (is_right_shift(op) || (op == ScalarOp::Shl && b.wide.umin >= 32)) {
        r.low = {};  // Upper bits move in, or all are gone: the bits tell.
    } else {
        apply_range(r.low, b.low, op, r.bits.low32());
    }
    r.sync();
    return r;
}

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// What a comparison of two numbers tells.
#include "bpf/verifier/branch.hpp"

#include <linux/bpf.h>

#include "base/check.hpp"

namespace trapgate::bpf {

namespace {

template <class R>
std::optional<bool> known_equal(const R& a, const R& b, Tnum ta, Tnum tb) {
    if (ta.is_const() && tb.is_const()) {
        return ta.value == tb.value;
    }
    const bool apart = a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin ||
                       !ta.overlaps(tb);
    return apart ? std::optional<bool>(false) : std::nullopt;
}

/// a > b for all or none.
template <class T>
std::optional<bool> known_above(T amin, T amax, T bmin, T bmax) {
    if (amin > bmax) {
        return true;
    }
    if (amax <= bmin) {
        return false;
    }
    return std::nullopt;
}

std::optional<bool> inverted(std::optional<bool> answer) {
    return answer ? std::optional<bool>(!*answer) : std::nullopt;
}

template <class R>
std::optional<bool> known(Compare c, const R& a, const R& b, Tnum ta, Tnum tb) {
    switch (c) {
        case Compare::Equal: return known_equal(a, b, ta, tb);
        case Compare::NotEqual: return inverted(known_equal(a, b, ta, tb));
        case Compare::Above: return known_above(a.umin, a.umax, b.umin, b.umax);
        case Compare::BelowEqual: return inverted(known_above(a.umin, a.umax, b.umin, b.umax));
        case Compare::Below: return known_above(b.umin, b.umax, a.umin, a.umax);
        case Compare::AboveEqual: return inverted(known_above(b.umin, b.umax, a.umin, a.umax));
        case Compare::SignedAbove: return known_above(a.smin, a.smax, b.smin, b.smax);
        case Compare::SignedBelowEqual:
            return inverted(known_above(a.smin, a.smax, b.smin, b.smax));
        case Compare::SignedBelow: return known_above(b.smin, b.smax, a.smin, a.smax);
        case Compare::SignedAboveEqual:
            return inverted(known_above(b.smin, b.smax, a.smin, a.smax));
        case Compare::Set:
        case Compare::NotSet: {
            const Tnum both = ta.bit_and(tb);
            std::optional<bool> set;
            if (both.value != 0) {
                set = true;
            } else if (both.mask == 0) {
                set = false;
            }
            return c == Compare::Set ? set : inverted(set);
        }
    }
    return std::nullopt;
}

/// One value less at an end of the range, if that end is the value.
template <class R>
void exclude(R& r, typename R::U value) {
    using S = typename R::S;
    const auto as_signed = static_cast<S>(value);
    // A range of that one value becomes empty: the path is impossible.
    if (r.umin == value && r.umax == value) {
        r.umin = 1, r.umax = 0;
        return;
    }
    if (r.umin == value) {
        ++r.umin;
    } else if (r.umax == value) {
        --r.umax;
    }
    if (r.smin == as_signed && r.smax != as_signed) {
        ++r.smin;
    } else if (r.smax == as_signed && r.smin != as_signed) {
        --r.smax;
    }
}

/// a < b, or a <= b when `or_equal`.
template <class R>
bool assume_below(R& a, R& b, bool or_equal) {
    using U = typename R::U;
    const U step = or_equal ? 0 : 1;
    if (b.umax < step || a.umin > R::kUMax - step) {
        return false;
    }
    a.at_most(static_cast<U>(b.umax - step));
    b.at_least(static_cast<U>(a.umin + step));
    return true;
}

template <class R>
bool assume_signed_below(R& a, R& b, bool or_equal) {
    using S = typename R::S;
    if (!or_equal && (b.smax == R::kSMin || a.smin == R::kSMax)) {
        return false;
    }
    const S step = or_equal ? 0 : 1;
    a.at_most_signed(static_cast<S>(b.smax - step));
    b.at_least_signed(static_cast<S>(a.smin + step));
    return true;
}

template <class R>
bool assume_range(Compare c, R& a, R& b) {
    switch (c) {
        case Compare::Equal:
            a.intersect(b);
            b.intersect(a);
            return true;
        case Compare::NotEqual:
            if (b.is_const()) {
                exclude(a, b.umin);
            } else if (a.is_const()) {
                exclude(b, a.umin);
            }
            return true;
        case Compare::Below: return assume_below(a, b, false);
        case Compare::BelowEqual: return assume_below(a, b, true);
        case Compare::Above: return assume_below(b, a, false);
        case Compare::AboveEqual: return assume_below(b, a, true);
        case Compare::SignedBelow: return assume_signed_below(a, b, false);
        case Compare::SignedBelowEqual: return assume_signed_below(a, b, true);
        case Compare::SignedAbove: return assume_signed_below(b, a, false);
        case Compare::SignedAboveEqual: return assume_signed_below(b, a, true);
        case Compare::Set:
        case Compare::NotSet: return true;
    }
    return true;
}

/// Bits of `a` that a (not) set test against the constant `b` tells.
void assume_bits(Compare c, Tnum& a, Tnum b) {
    if (!b.is_const()) {
        return;
    }
    if (c == Compare::NotSet) {
        a = {a.value & ~b.value, a.mask & ~b.value};
    } else if (std::has_single_bit(b.value)) {
        a = {a.value | b.value, a.mask & ~b.value};
    }
}

}  // namespace

std::optional<Compare> compare_of(std::uint8_t jump_op) {
    switch (jump_op) {
        case BPF_JEQ: return Compare::Equal;
        case BPF_JNE: return Compare::NotEqual;
        case BPF_JGT: return Compare::Above;
        case BPF_JGE: return Compare::AboveEqual;
        case BPF_JLT: return Compare::Below;
        case BPF_JLE: return Compare::BelowEqual;
        case BPF_JSGT: return Compare::SignedAbove;
        case BPF_JSGE: return Compare::SignedAboveEqual;
        case BPF_JSLT: return Compare::SignedBelow;
        case BPF_JSLE: return Compare::SignedBelowEqual;
        case BPF_JSET: return Compare::Set;
        default: return std::nullopt;
    }
}

Compare opposite(Compare c) {
    switch (c) {
        case Compare::Equal: return Compare::NotEqual;
        case Compare::NotEqual: return Compare::Equal;
        case Compare::Above: return Compare::BelowEqual;
        case Compare::AboveEqual: return Compare::Below;
        case Compare::Below: return Compare::AboveEqual;
        case Compare::BelowEqual: return Compare::Above;
        case Compare::SignedAbove: return Compare::SignedBelowEqual;
        case Compare::SignedAboveEqual: return Compare::SignedBelow;
        case Compare::SignedBelow: return Compare::SignedAboveEqual;
        case Compare::SignedBelowEqual: return Compare::SignedAbove;
        case Compare::Set: return Compare::NotSet;
        case Compare::NotSet: return Compare::Set;
    }
    report_bug("opposite", "an unknown comparison");
}

std::optional<bool> compare_known(Compare c, const Scalar& a, const Scalar& b, bool is_32bit) {
    return is_32bit ? known(c, a.low, b.low, a.bits.low32(), b.bits.low32())
                    : known(c, a.wide, b.wide, a.bits, b.bits);
}

bool compare_assume(Compare c, Scalar& a, Scalar& b, bool is_32bit) {
    const Tnum ta = is_32bit ? a.bits.low32() : a.bits;
    const Tnum tb = is_32bit ? b.bits.low32() : b.bits;
    if (!(is_32bit ? assume_range(c, a.low, b.low) : assume_range(c, a.wide, b.wide))) {
        return false;
    }
    Tnum new_a = ta;
    Tnum new_b = tb;
    if (c == Compare::Equal) {
        if (!ta.overlaps(tb)) {
            return false;
        }
        new_a = new_b = ta.intersect(tb);
    } else if (c == Compare::Set || c == Compare::NotSet) {
        assume_bits(c, new_a, tb);
        assume_bits(c, new_b, ta);
    }
    a.bits = is_32bit ? a.bits.with_low32(new_a) : new_a;
    b.bits = is_32bit ? b.bits.with_low32(new_b) : new_b;
    a.sync();
    b.sync();
    return !a.is_empty() && !b.is_empty();
}

}  // namespace trapgate::bpf

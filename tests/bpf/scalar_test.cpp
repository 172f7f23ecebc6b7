// SPDX-License-Identifier: GPL-2.0-only
// Soundness by trial: whatever concrete numbers an abstract one allows, the result of an operation
// must allow the concrete result.
#include <random>

#include <gtest/gtest.h>

#include "bpf/verifier/branch.hpp"

namespace trapgate::bpf {
namespace {

/// A generator with a fixed seed: the same trials on every run.
class Trials {
public:
    std::uint64_t number() {
        switch (random_() % 5) {
            case 0: return random_() % 16;
            case 1: return ~(random_() % 16);
            case 2: return 1ULL << (random_() % 64);
            case 3: return (1ULL << (random_() % 64)) - 1;
            default: return random_();
        }
    }

    /// An abstract number that allows `inside`, by one of the ways the verifier makes them.
    Scalar around(std::uint64_t inside) {
        Scalar s;
        const std::uint64_t other = number();
        switch (random_() % 6) {
            case 0: s = Scalar::constant(inside); break;
            case 1:
                s.wide.umin = std::min(inside, other), s.wide.umax = std::max(inside, other);
                break;
            case 2: {
                const auto a = static_cast<std::int64_t>(inside);
                const auto b = static_cast<std::int64_t>(other);
                s.wide.smin = std::min(a, b), s.wide.smax = std::max(a, b);
                break;
            }
            case 3: s.bits = {inside & ~other, other}; break;
            case 4: {
                const auto a = static_cast<std::uint32_t>(inside);
                const auto b = static_cast<std::uint32_t>(other);
                s.low.umin = std::min(a, b), s.low.umax = std::max(a, b);
                break;
            }
            default: {
                const auto a = static_cast<std::int32_t>(inside);
                const auto b = static_cast<std::int32_t>(other);
                s.low.smin = std::min(a, b), s.low.smax = std::max(a, b);
            }
        }
        s.sync();
        return s;
    }

private:
    std::mt19937_64 random_{20240229};
};

bool allows(const Scalar& s, std::uint64_t v) { return s.contains(Scalar::constant(v)); }

std::uint64_t concrete(ScalarOp op, std::uint64_t a, std::uint64_t b) {
    switch (op) {
        case ScalarOp::Add: return a + b;
        case ScalarOp::Sub: return a - b;
        case ScalarOp::Mul: return a * b;
        case ScalarOp::And: return a & b;
        case ScalarOp::Or: return a | b;
        case ScalarOp::Xor: return a ^ b;
        case ScalarOp::Shl: return a << b;
        case ScalarOp::Shr: return a >> b;
        case ScalarOp::Sar: return static_cast<std::uint64_t>(static_cast<std::int64_t>(a) >> b);
    }
    return 0;
}

std::uint64_t concrete32(ScalarOp op, std::uint64_t a, std::uint64_t b) {
    if (op == ScalarOp::Sar) {
        return static_cast<std::uint32_t>(static_cast<std::int32_t>(a) >> b);
    }
    return static_cast<std::uint32_t>(
        concrete(op, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b)));
}

constexpr int kTrials = 300'000;

TEST(Scalar, OperationsAllowEveryConcreteResult) {
    Trials trials;
    for (int i = 0; i < kTrials; ++i) {
        const auto op = static_cast<ScalarOp>(i % 9);
        const bool is_32bit = (i / 9) % 2 == 0;
        const bool is_shift = op >= ScalarOp::Shl;
        const std::uint64_t a = trials.number();
        std::uint64_t b = trials.number();
        Scalar sb = trials.around(b);
        if (is_shift) {
            b %= is_32bit ? 32 : 64;
            sb = Scalar::constant(b);
        }
        const Scalar sa = trials.around(a);
        ASSERT_TRUE(allows(sa, a) && allows(sb, b)) << i;
        const Scalar result = sa.apply(op, sb, is_32bit);
        const std::uint64_t r = is_32bit ? concrete32(op, a, b) : concrete(op, a, b);
        ASSERT_TRUE(allows(result, r))
            << "trial " << i << " op " << static_cast<int>(op) << " on " << a << ", " << b;
    }
}

TEST(Scalar, ExtensionsAllowEveryConcreteResult) {
    Trials trials;
    for (int i = 0; i < kTrials; ++i) {
        const std::uint64_t v = trials.number();
        const std::uint32_t bytes = 1U << (i % 3);
        const unsigned shift = 64 - bytes * 8;
        Scalar zero = trials.around(v);
        Scalar sign = zero;
        zero.zero_extend(bytes);
        sign.sign_extend(bytes);
        ASSERT_TRUE(allows(zero, v << shift >> shift)) << i;
        ASSERT_TRUE(allows(
            sign, static_cast<std::uint64_t>(static_cast<std::int64_t>(v << shift) >> shift)))
            << i;
    }
}

bool holds(Compare c, std::uint64_t a, std::uint64_t b) {
    const auto sa = static_cast<std::int64_t>(a);
    const auto sb = static_cast<std::int64_t>(b);
    switch (c) {
        case Compare::Equal: return a == b;
        case Compare::NotEqual: return a != b;
        case Compare::Above: return a > b;
        case Compare::AboveEqual: return a >= b;
        case Compare::Below: return a < b;
        case Compare::BelowEqual: return a <= b;
        case Compare::SignedAbove: return sa > sb;
        case Compare::SignedAboveEqual: return sa >= sb;
        case Compare::SignedBelow: return sa < sb;
        case Compare::SignedBelowEqual: return sa <= sb;
        case Compare::Set: return (a & b) != 0;
        case Compare::NotSet: return (a & b) == 0;
    }
    return false;
}

TEST(Branch, KeepsEveryPairForWhichItHolds) {
    Trials trials;
    for (int i = 0; i < kTrials; ++i) {
        const auto c = static_cast<Compare>(i % 12);
        const bool is_32bit = (i / 12) % 2 == 0;
        const std::uint64_t a = trials.number();
        const std::uint64_t b = i % 7 == 0 ? a : trials.number();
        Scalar sa = trials.around(a);
        Scalar sb = trials.around(b);
        const auto as_read = [&](std::uint64_t v) {
            return is_32bit ? static_cast<std::uint64_t>(
                                  static_cast<std::int64_t>(static_cast<std::int32_t>(v)))
                            : v;
        };
        const bool really = holds(c, as_read(a), as_read(b));
        const std::optional<bool> known = compare_known(c, sa, sb, is_32bit);
        ASSERT_TRUE(!known || *known == really) << i;
        const Compare fact = really ? c : opposite(c);
        ASSERT_TRUE(compare_assume(fact, sa, sb, is_32bit)) << i;
        ASSERT_TRUE(allows(sa, a) && allows(sb, b)) << i;
    }
}

TEST(Scalar, KnowsTheUsualPatterns) {
    Scalar index = Scalar::of_size(1, false);
    EXPECT_EQ(index.wide.umax, 255U);
    index = index.apply(ScalarOp::And, Scalar::constant(15), false);
    EXPECT_EQ(index.wide.umax, 15U);
    index = index.apply(ScalarOp::Shl, Scalar::constant(3), false);
    EXPECT_EQ(index.wide.umax, 120U);
    EXPECT_TRUE(index.bits.is_aligned(8));
    Scalar sum = index.apply(ScalarOp::Add, Scalar::constant(8), false);
    EXPECT_EQ(sum.wide.umin, 8U);
    // Sign extension by two shifts keeps a 32-bit range.
    Scalar s = Scalar::unknown();
    s.low.smin = -5, s.low.smax = 7;
    s.sync();
    s = s.apply(ScalarOp::Shl, Scalar::constant(32), false)
            .apply(ScalarOp::Sar, Scalar::constant(32), false);
    EXPECT_EQ(s.wide.smin, -5);
    EXPECT_EQ(s.wide.smax, 7);
}

}  // namespace
}  // namespace trapgate::bpf

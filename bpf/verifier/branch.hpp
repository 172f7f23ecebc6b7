// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "bpf/verifier/scalar.hpp"

namespace trapgate::bpf {

/// Comparisons as a branch asks them, by the BPF_J* operation; NotSet is BPF_JSET's other side.
enum class Compare : std::uint8_t {
    Equal,
    NotEqual,
    Above,
    AboveEqual,
    Below,
    BelowEqual,
    SignedAbove,
    SignedAboveEqual,
    SignedBelow,
    SignedBelowEqual,
    Set,
    NotSet,
};

[[nodiscard]] std::optional<Compare> compare_of(std::uint8_t jump_op);
[[nodiscard]] Compare opposite(Compare c);

/// Whether the comparison holds for all, or for none, of the values.
[[nodiscard]] std::optional<bool> compare_known(Compare c, const Scalar& a, const Scalar& b,
                                                bool is_32bit);
/// Narrows both sides by the fact that the comparison holds. False when it cannot hold.
[[nodiscard]] bool compare_assume(Compare c, Scalar& a, Scalar& b, bool is_32bit);

}  // namespace trapgate::bpf

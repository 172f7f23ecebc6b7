// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The debug registers' fields (Intel SDM vol. 3, 17.2).

#include <array>
#include <cstdint>

namespace trapgate::cpu {

namespace dr6 {
inline constexpr std::uint64_t kConditions = 0xf;           ///< B0-B3
inline constexpr std::uint64_t kAccessDetected = 1U << 13;  ///< BD
inline constexpr std::uint64_t kSingleStep = 1U << 14;      ///< BS
inline constexpr std::uint64_t kFixed = 0xffff'0ff0;        ///< Reads as ones.
inline constexpr std::uint64_t kWritable = kConditions | kAccessDetected | kSingleStep | 1U << 15;
}  // namespace dr6

namespace dr7 {
inline constexpr std::uint64_t kFixed = 1U << 10;          ///< Reads as one.
inline constexpr std::uint64_t kGeneralDetect = 1U << 13;  ///< GD
inline constexpr std::uint64_t kZero = 0xd800;             ///< Bits 11, 12, 14, 15 read as zeros.
}  // namespace dr7

/// One of the four breakpoints that DR7 describes.
struct DebugCondition {
    enum class Type : std::uint8_t { Execute, Write, InOut, ReadWrite };
    Type type = Type::Execute;
    bool enabled = false;    ///< Locally or globally.
    std::uint8_t bytes = 1;  ///< 1, 2, 4 or 8.
};

[[nodiscard]] constexpr DebugCondition debug_condition(std::uint64_t dr7, unsigned index) {
    constexpr std::array<std::uint8_t, 4> kBytes{1, 2, 8, 4};
    const auto control = static_cast<unsigned>(dr7 >> (16 + 4 * index)) & 0xf;
    return {static_cast<DebugCondition::Type>(control & 3), ((dr7 >> (2 * index)) & 3) != 0,
            kBytes[control >> 2]};
}

}  // namespace trapgate::cpu

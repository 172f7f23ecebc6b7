// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace trapgate::cpu {

/// x87 and SSE registers as a plain value (Intel SDM vol. 1, chapters 8 and 10).
struct FpuState {
    std::array<std::array<std::byte, 10>, 8> st{};  ///< ST(0) first, 80-bit, little-endian.
    std::uint16_t control = 0x37f, status = 0;
    std::uint16_t tag = 0xffff;  ///< Two bits a register, 3 = empty.
    std::array<std::array<std::byte, 16>, 16> xmm{};
    std::uint32_t mxcsr = 0x1f80;
    bool operator==(const FpuState&) const = default;
};

}  // namespace trapgate::cpu

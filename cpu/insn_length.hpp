// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trapgate::cpu {

/// What the instruction counter needs to know of an instruction.
struct InsnShape {
    std::uint8_t length = 0;       ///< Bytes, 1..15; 0 when the bytes are not an instruction.
    bool repeated_string = false;  ///< REP/REPE/REPNE with a string instruction: it may restart
                                   ///< itself.
};

/// Decodes one 64-bit-mode instruction just far enough for its length. Cheaper than cpu/decode.hpp.
[[nodiscard]] InsnShape insn_shape(std::span<const std::byte> bytes);

}  // namespace trapgate::cpu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace trapgate::cpu {

/// What the instruction counter needs to know of an instruction.
struct InsnShape {
    std::uint8_t length = 0;       ///< Bytes, 1..15; 0 when the bytes are not an instruction.
    bool repeated_string = false;  ///< REP/REPE/REPNE with a string instruction: it may restart
                                   ///< itself.
    bool transfer = false;  ///< It may go elsewhere than to the next instruction: a jump, taken or
                            ///< not, a call, return, software interrupt, system call.
};

/// The default operand and address size of a code segment.
enum class CodeSize : std::uint8_t { Bits16, Bits32, Bits64 };

/// Decodes one instruction just far enough for its length. Cheaper than cpu/decode.hpp.
[[nodiscard]] InsnShape insn_shape(std::span<const std::byte> bytes,
                                   CodeSize size = CodeSize::Bits64);

/// What a near transfer of 64-bit mode changes besides RIP.
struct NearTransfer {
    std::uint64_t rsp_added = 0;  ///< Modulo 2^64: a call takes 8.
    std::uint64_t rcx_taken = 0;  ///< By LOOP.
};

/// Nothing for other instructions, far transfers among them.
[[nodiscard]] std::optional<NearTransfer> near_transfer(std::span<const std::byte> bytes);

}  // namespace trapgate::cpu

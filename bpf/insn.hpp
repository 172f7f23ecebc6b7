// SPDX-License-Identifier: GPL-2.0-only
// One eBPF instruction slot as a value, with the questions that every stage asks of it. The opcode
// constants are <linux/bpf.h>'s; those that are newer than Debian 12's copy are added here with
// their upstream values (RFC 9669 and Linux's include/uapi/linux/bpf.h).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <linux/bpf.h>

#include "base/result.hpp"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80  // sign-extending load (cpu v4)
#endif
#ifndef BPF_JCOND
#define BPF_JCOND 0xe0  // conditional pseudo jump: may_goto
#endif
#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100  // imm of an atomic: load-acquire
#endif
#ifndef BPF_STORE_REL
#define BPF_STORE_REL 0x110  // imm of an atomic: store-release
#endif

namespace trapgate::bpf {

/// One 8-byte slot, with the layout of struct bpf_insn. ld_imm64 takes two; all others take one.
struct Insn {
    std::uint8_t opcode = 0;
    std::uint8_t dst : 4 = 0;
    std::uint8_t src : 4 = 0;
    std::int16_t off = 0;
    std::int32_t imm = 0;

    bool operator==(const Insn&) const = default;

    /// BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_JMP32 or BPF_ALU64.
    [[nodiscard]] constexpr std::uint8_t cls() const { return opcode & 0x07; }
    /// BPF_ADD... of the ALU classes, BPF_JA... of the jump classes.
    [[nodiscard]] constexpr std::uint8_t op() const { return opcode & 0xf0; }
    /// BPF_IMM, BPF_ABS, BPF_IND, BPF_MEM, BPF_MEMSX or BPF_ATOMIC of the load and store classes.
    [[nodiscard]] constexpr std::uint8_t mode() const { return opcode & 0xe0; }
    /// BPF_B, BPF_H, BPF_W or BPF_DW of the load and store classes.
    [[nodiscard]] constexpr std::uint8_t size_code() const { return opcode & 0x18; }
    /// The same in bytes: 1, 2, 4 or 8.
    [[nodiscard]] constexpr std::uint32_t access_bytes() const {
        switch (size_code()) {
            case BPF_B: return 1;
            case BPF_H: return 2;
            case BPF_W: return 4;
            default: return 8;
        }
    }
    /// Second operand is the register src (else imm); for ALU and jump classes.
    [[nodiscard]] constexpr bool uses_src() const { return (opcode & BPF_X) != 0; }

    [[nodiscard]] constexpr bool is_alu() const { return cls() == BPF_ALU || cls() == BPF_ALU64; }
    [[nodiscard]] constexpr bool is_jump_class() const {
        return cls() == BPF_JMP || cls() == BPF_JMP32;
    }
    /// First slot of a 64-bit immediate load (the whole opcode byte 0x18).
    [[nodiscard]] constexpr bool is_ld_imm64() const {
        return opcode == (BPF_LD | BPF_IMM | BPF_DW);
    }
    [[nodiscard]] constexpr bool is_exit() const { return opcode == (BPF_JMP | BPF_EXIT); }
    /// Any BPF_CALL: of a helper, a kfunc or a subprogram (see src).
    [[nodiscard]] constexpr bool is_call() const { return opcode == (BPF_JMP | BPF_CALL); }
    [[nodiscard]] constexpr bool is_helper_call() const { return is_call() && src == 0; }
    [[nodiscard]] constexpr bool is_local_call() const {
        return is_call() && src == BPF_PSEUDO_CALL;
    }
    /// `goto +off` (JMP) or `gotol +imm` (JMP32).
    [[nodiscard]] constexpr bool is_goto() const { return is_jump_class() && op() == BPF_JA; }
    [[nodiscard]] constexpr bool is_may_goto() const { return opcode == (BPF_JMP | BPF_JCOND); }
    /// A two-way branch on a comparison, of either width.
    [[nodiscard]] constexpr bool is_conditional_jump() const {
        return is_jump_class() && op() != BPF_JA && op() != BPF_CALL && op() != BPF_EXIT &&
               op() != BPF_JCOND;
    }
    [[nodiscard]] constexpr bool is_atomic() const {
        return cls() == BPF_STX && mode() == BPF_ATOMIC;
    }
    /// Slots that this instruction takes in the program: 2 for ld_imm64, else 1.
    [[nodiscard]] constexpr std::uint32_t slots() const { return is_ld_imm64() ? 2 : 1; }
    /// How far a goto or branch jumps, counted from the next slot.
    [[nodiscard]] constexpr std::int32_t jump_offset() const {
        return cls() == BPF_JMP32 && op() == BPF_JA ? imm : off;
    }
};
static_assert(sizeof(Insn) == 8);
static_assert(std::endian::native == std::endian::little);

/// Value of a 64-bit immediate load from its two slots.
[[nodiscard]] constexpr std::uint64_t imm64(const Insn& low, const Insn& high) {
    return static_cast<std::uint32_t>(low.imm) |
           (static_cast<std::uint64_t>(static_cast<std::uint32_t>(high.imm)) << 32);
}

/// Frame pointer and number of registers a program can name (R0..R10).
inline constexpr std::uint8_t kFrameReg = 10;
inline constexpr std::uint8_t kRegisters = 11;
/// Largest stack of one frame, in bytes (MAX_BPF_STACK).
inline constexpr std::int32_t kMaxStackBytes = 512;

/// Reads instruction slots from bytes. EINVAL when they are not a whole number of slots.
[[nodiscard]] Result<std::vector<Insn>> insns_from_bytes(std::span<const std::byte> bytes);
/// Reads base16 text, upper or lower case, white space ignored; EINVAL names the offset of the
/// first bad character.
[[nodiscard]] Result<std::vector<Insn>> insns_from_hex(std::string_view hex);

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// One x86-64 instruction as a plain value, and as text. Models 64-bit mode only (Intel SDM vol. 2,
// chapter 2); what the guest's other modes run is never probed, timed or shown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/address.hpp"

namespace trapgate::cpu {

/// Longest instruction that a CPU accepts (Intel SDM vol. 2, 2.3.11).
inline constexpr std::size_t kMaxInsnBytes = 15;

/// Which table the opcode byte indexes.
enum class OpcodeMap : std::uint8_t {
    OneByte,
    Escape0F,
    Escape0F38,
    Escape0F3A,
    Other,  ///< 3DNow! and XOP.
};

/// Where control goes after the instruction.
enum class BranchKind : std::uint8_t {
    None,
    Jump,         ///< JMP, near.
    Conditional,  ///< Jcc.
    Loop,         ///< LOOP, LOOPE, LOOPNE, JCXZ, JECXZ, JRCXZ.
    Call,         ///< CALL, near.
    Return,       ///< RET, near or far.
    FarJump,
    FarCall,
    InterruptReturn,
    SystemCall,    ///< SYSCALL, SYSENTER.
    SystemReturn,  ///< SYSRET, SYSEXIT.
    Interrupt,     ///< INT n, INT3, INT1, INTO.
};

/// A signed field inside the instruction that is relative to the address behind it.
struct RelativeField {
    std::uint8_t offset = 0;  ///< Of the field's first byte in the instruction.
    std::uint8_t bytes = 0;   ///< 1, 2 or 4.
    std::int32_t value = 0;
    bool operator==(const RelativeField&) const = default;
};

/// What the bytes of one instruction say.
struct DecodedInsn {
    std::array<std::uint8_t, kMaxInsnBytes> bytes{};
    std::uint8_t length = 0;
    std::uint16_t mnemonic = 0;  ///< Stable within one build; see mnemonic_name().

    OpcodeMap map = OpcodeMap::OneByte;
    std::uint8_t opcode = 0;       ///< Last opcode byte.
    bool vector_encoding = false;  ///< VEX, EVEX or XOP.
    std::optional<std::uint8_t> modrm;
    std::uint8_t rex = 0;           ///< The whole prefix byte, 0 when there is none.
    std::uint8_t prefix_count = 0;  ///< Bytes before REX and opcode.
    std::uint8_t operand_bits = 0;
    std::uint8_t address_bits = 64;

    BranchKind branch = BranchKind::None;
    bool indirect = false;      ///< The branch target comes from a register or memory.
    bool far = false;           ///< Loads CS.
    bool reads_memory = false;  ///< Implicit stack accesses included.
    bool writes_memory = false;
    bool repeated_string = false;               ///< REP with a string instruction.
    std::optional<RelativeField> rip_relative;  ///< disp32 of a memory operand [RIP + disp32].
    std::optional<RelativeField> relative_branch;
    std::uint64_t immediate = 0;  ///< First immediate, sign-extended where the CPU does.

    /// Legacy prefix bytes in their order.
    [[nodiscard]] std::span<const std::uint8_t> prefixes() const {
        return {bytes.data(), prefix_count};
    }
    [[nodiscard]] bool has_prefix(std::uint8_t byte) const;
    [[nodiscard]] std::span<const std::uint8_t> encoding() const { return {bytes.data(), length}; }
    [[nodiscard]] std::uint8_t modrm_mod() const {
        return static_cast<std::uint8_t>(modrm.value_or(0) >> 6);
    }
    [[nodiscard]] std::uint8_t modrm_reg() const { return (modrm.value_or(0) >> 3) & 7; }
    /// Register number of ModRM.rm with REX.B; meaningful when modrm_mod() is 3.
    [[nodiscard]] std::uint8_t rm_register() const {
        return static_cast<std::uint8_t>((modrm.value_or(0) & 7) | ((rex & 1) << 3));
    }
    /// Target of a relative branch when the instruction stands at `at`.
    [[nodiscard]] GuestVa branch_target(GuestVa at) const;
    /// Address of the RIP-relative operand when the instruction stands at `at`.
    [[nodiscard]] GuestVa rip_operand(GuestVa at) const;

    bool operator==(const DecodedInsn&) const = default;
};

/// Decodes the instruction at the front of `bytes` (at most 15 are looked at); nothing when they
/// are not one, or when it is cut off.
[[nodiscard]] std::optional<DecodedInsn> decode(std::span<const std::byte> bytes);

/// Lower-case name: "mov".
[[nodiscard]] std::string_view mnemonic_name(const DecodedInsn& insn);

enum class Syntax : std::uint8_t { Att, Intel };

/// Text for an address inside an operand: "vfs_open+0x10", or "" for plain hex.
using AddressNamer = std::function<std::string(GuestVa)>;

/// One line of disassembly for the instruction standing at `at`; branch targets and RIP-relative
/// operands are absolute, named by `namer` when it knows a name.
[[nodiscard]] std::string format_insn(const DecodedInsn& insn, GuestVa at,
                                      Syntax syntax = Syntax::Att, const AddressNamer& namer = {});

}  // namespace trapgate::cpu

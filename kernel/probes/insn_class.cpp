// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/insn_class.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace trapgate::kernel {
namespace {

using cpu::DecodedInsn;
using cpu::OpcodeMap;

/// Inclusive range of opcodes.
struct OpcodeRange {
    std::uint8_t first, last;
};

/// Two-byte opcodes (0F xx) that Linux boosts; everything else there is stepped.
constexpr OpcodeRange kBoostable0F[] = {
    {0x02, 0x03}, {0x06, 0x06}, {0x08, 0x09}, {0x1f, 0x23}, {0x31, 0x31}, {0x40, 0x4f},
    {0x60, 0x6b}, {0x6e, 0x6f}, {0x74, 0x77}, {0x7e, 0x7f}, {0x90, 0xa1}, {0xa3, 0xa5},
    {0xa8, 0xa9}, {0xab, 0xad}, {0xaf, 0xb7}, {0xbb, 0xc1}, {0xc8, 0xcf}, {0xd1, 0xd3},
    {0xd5, 0xd5}, {0xd8, 0xd9}, {0xdb, 0xdd}, {0xdf, 0xdf}, {0xe1, 0xe2}, {0xe5, 0xe5},
    {0xe8, 0xe9}, {0xeb, 0xed}, {0xef, 0xef}, {0xf1, 0xf3}, {0xf5, 0xf5}, {0xf8, 0xfa},
    {0xfc, 0xfe},
};

/// One-byte opcodes that are never boosted: control flow, traps, x87 and HLT.
constexpr OpcodeRange kStepped[] = {
    {0x62, 0x62}, {0x70, 0x7f}, {0x9a, 0x9a}, {0xcc, 0xce}, {0xd6, 0xd6},
    {0xd8, 0xdf}, {0xe0, 0xe3}, {0xe8, 0xe9}, {0xeb, 0xeb}, {0xf0, 0xf4},
};

bool in_ranges(std::span<const OpcodeRange> ranges, std::uint8_t opcode) {
    return std::ranges::any_of(
        ranges, [opcode](OpcodeRange r) { return r.first <= opcode && opcode <= r.last; });
}

/// Linux looks a VEX or EVEX opcode up as if it were a one-byte opcode (so VZEROUPPER counts as a
/// conditional jump). That decides what it answers, and so what we answer; what is then executed
/// here is decided by what the instruction really is.
bool is_one_byte(const DecodedInsn& insn) {
    return insn.map == OpcodeMap::OneByte || insn.vector_encoding;
}

bool is_two_byte(const DecodedInsn& insn) {
    return insn.map == OpcodeMap::Escape0F && !insn.vector_encoding;
}

bool boostable_one_byte(const DecodedInsn& insn) {
    constexpr std::uint8_t kCsOverride = 0x2e;
    constexpr std::uint8_t kAddressSize = 0x67;
    if (insn.has_prefix(kCsOverride) || insn.has_prefix(kAddressSize)) {
        return false;
    }
    const unsigned reg = insn.modrm_reg();
    switch (insn.opcode) {
        case 0xc0:
        case 0xc1:
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3: return reg != 6;  // reserved by Intel, a shift on AMD
        case 0xf6:
        case 0xf7: return reg != 1;  // the same for TEST
        case 0xfe: return reg <= 1;
        case 0xff: return reg <= 1 || reg == 4;
        default: return !in_ranges(kStepped, insn.opcode);
    }
}

bool is_boostable(const DecodedInsn& insn) {
    if (is_two_byte(insn)) {
        return in_ranges(kBoostable0F, insn.opcode);
    }
    return is_one_byte(insn) && boostable_one_byte(insn);
}

/// Traps by itself: a probe there would be taken for it, or it for a probe.
bool is_trapping(const DecodedInsn& insn) {
    if (is_one_byte(insn)) {
        return (insn.opcode >= 0xcc && insn.opcode <= 0xce) || insn.opcode == 0xf1;
    }
    return is_two_byte(insn) && (insn.opcode == 0x0b || insn.opcode == 0xb9 || insn.opcode == 0xff);
}

/// Holds interrupts back behind itself: a trap in between would break that promise.
bool masks_interrupts(const DecodedInsn& insn) {
    constexpr unsigned kSs = 2;
    return is_one_byte(insn) &&
           (insn.opcode == 0x17 || (insn.opcode == 0x8e && insn.modrm_reg() == kSs));
}

/// UD2 with the signature by which Xen or KVM recognise an instruction to emulate.
bool is_emulation_marker(std::span<const std::byte> bytes) {
    constexpr std::array kXen{std::byte{0x0f}, std::byte{0x0b}, std::byte{'x'}, std::byte{'e'},
                              std::byte{'n'}};
    constexpr std::array kKvm{std::byte{0x0f}, std::byte{0x0b}, std::byte{'k'}, std::byte{'v'},
                              std::byte{'m'}};
    const auto starts_with = [bytes](const auto& marker) {
        return bytes.size() >= marker.size() &&
               std::equal(marker.begin(), marker.end(), bytes.begin());
    };
    return starts_with(kXen) || starts_with(kKvm);
}

struct Preparation {
    Emulation emulation = Emulation::None;
    bool supported = true;
};

Preparation prepare_group5(const DecodedInsn& insn) {
    Emulation emulation = Emulation::None;
    switch (insn.modrm_reg()) {
        case 2: emulation = Emulation::CallRegister; break;
        case 4: emulation = Emulation::JumpRegister; break;
        case 3:
        case 5: return {Emulation::None, false};  // far
        default: return {};
    }
    const bool from_register = insn.modrm_mod() == 3 && insn.address_bits == 64;
    return from_register ? Preparation{emulation, true} : Preparation{Emulation::None, false};
}

Preparation prepare_two_byte(const DecodedInsn& insn) {
    if ((insn.opcode & 0xf0) == 0x80) {
        return {Emulation::Conditional, true};
    }
    const bool virtualisation = insn.opcode == 0x01 && insn.modrm_reg() == 0 &&
                                insn.modrm_mod() == 3;
    return {Emulation::None, !virtualisation};
}

Preparation prepare(const DecodedInsn& insn) {
    if (is_two_byte(insn)) {
        return prepare_two_byte(insn);
    }
    if (!is_one_byte(insn)) {
        return {};
    }
    if ((insn.opcode & 0xf0) == 0x70) {
        return {Emulation::Conditional, true};
    }
    switch (insn.opcode) {
        case 0x9c:
        case 0x9d:
        case 0xfa:
        case 0xfb: return {Emulation::FlagsAccess, true};
        case 0xc2:
        case 0xc3:
        case 0xca:
        case 0xcb: return {Emulation::Return, true};
        case 0xe0:
        case 0xe1:
        case 0xe2:
        case 0xe3: return {Emulation::Loop, true};
        case 0xe8: return {Emulation::Call, true};
        case 0xe9:
        case 0xeb: return {Emulation::Jump, true};
        case 0xff: return prepare_group5(insn);
        case 0xcc:
        case 0xcf: return {Emulation::None, false};
        default: return {};
    }
}

/// Far CALL and JMP with an immediate are not 64-bit instructions, but Linux's decoder knows their
/// length: it meets them in the 32-bit start-up code of a kernel.
std::optional<InsnClass> classify_far_immediate(std::span<const std::byte> bytes) {
    constexpr std::byte kOperandSize{0x66};
    const bool short_offset = !bytes.empty() && bytes.front() == kOperandSize;
    const std::size_t opcode_at = short_offset ? 1 : 0;
    const std::size_t length = opcode_at + 1 + (short_offset ? 2 : 4) + 2;
    if (bytes.size() < length) {
        return std::nullopt;
    }
    const auto opcode = std::to_integer<std::uint8_t>(bytes[opcode_at]);
    if (opcode != 0x9a && opcode != 0xea) {
        return std::nullopt;
    }
    const bool jump = opcode == 0xea;
    return InsnClass{.length = static_cast<std::uint8_t>(length),
                     .refusal = EOPNOTSUPP,
                     .boostable = jump,
                     .indirect_jump = jump};
}

}  // namespace

InsnClass classify(const DecodedInsn& insn) {
    InsnClass out{.length = insn.length,
                  .boostable = is_boostable(insn),
                  .rip_relative = insn.rip_relative.has_value()};
    out.indirect_jump = is_one_byte(insn) && insn.opcode == 0xff && (insn.modrm_reg() & 6U) == 4;
    const Preparation preparation = prepare(insn);
    if (is_trapping(insn)) {
        out.refusal = EILSEQ;
    } else if (masks_interrupts(insn)) {
        out.refusal = EINVAL;
    } else if (!preparation.supported) {
        out.refusal = EOPNOTSUPP;
    } else {
        out.emulation = preparation.emulation;
    }
    return out;
}

std::optional<InsnClass> classify(std::span<const std::byte> bytes) {
    const std::optional<DecodedInsn> insn = cpu::decode(bytes);
    if (!insn) {
        return classify_far_immediate(bytes);
    }
    InsnClass out = classify(*insn);
    if (is_emulation_marker(bytes)) {
        out.refusal = EINVAL;
    }
    return out;
}

}  // namespace trapgate::kernel

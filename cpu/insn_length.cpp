// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/insn_length.hpp"

#include <array>

#include <Zydis/Zydis.h>

namespace trapgate::cpu {
namespace {

// Opcode map 0: INS, OUTS, MOVS, CMPS, STOS, LODS, SCAS.
bool is_string_opcode(std::uint8_t opcode) {
    return (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
           (opcode >= 0xaa && opcode <= 0xaf);
}

// Opcode map 0: Jcc, far CALL, RET, far RET, INT3, INT n, INTO, IRET, LOOPcc, JCXZ, CALL, JMP,
// INT1; CALL and JMP, near and far, of group 5.
bool is_transfer_opcode(std::uint8_t opcode, std::uint8_t modrm_reg) {
    switch (opcode) {
        case 0x9a:
        case 0xc2:
        case 0xc3:
        case 0xe8:
        case 0xe9:
        case 0xea:
        case 0xeb:
        case 0xf1: return true;
        case 0xff: return modrm_reg >= 2 && modrm_reg <= 5;
        default:
            return (opcode >= 0x70 && opcode <= 0x7f) || (opcode >= 0xca && opcode <= 0xcf) ||
                   (opcode >= 0xe0 && opcode <= 0xe3);
    }
}

// Opcode map 0F: SYSCALL, SYSRET, SYSENTER, SYSEXIT, Jcc.
bool is_transfer_opcode_0f(std::uint8_t opcode) {
    return opcode == 0x05 || opcode == 0x07 || opcode == 0x34 || opcode == 0x35 ||
           (opcode >= 0x80 && opcode <= 0x8f);
}

bool is_transfer(const ZydisDecodedInstruction& insn) {
    if (insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
        return false;
    }
    if (insn.opcode_map == ZYDIS_OPCODE_MAP_0F) {
        return is_transfer_opcode_0f(insn.opcode);
    }
    return insn.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
           is_transfer_opcode(insn.opcode, insn.raw.modrm.reg);
}

ZydisDecoder make_decoder(ZydisMachineMode mode, ZydisStackWidth width) {
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, mode, width);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
    return decoder;
}

const ZydisDecoder& length_decoder(CodeSize size) {
    static const std::array<ZydisDecoder, 3> kDecoders{
        make_decoder(ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16),
        make_decoder(ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32),
        make_decoder(ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)};
    return kDecoders[static_cast<std::size_t>(size)];
}

}  // namespace

InsnShape insn_shape(std::span<const std::byte> bytes, CodeSize size) {
    ZydisDecodedInstruction insn;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&length_decoder(size), nullptr, bytes.data(),
                                                    bytes.size(), &insn))) {
        return {};
    }
    bool repeated = false;
    if (insn.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && is_string_opcode(insn.opcode)) {
        for (std::size_t i = 0; i < insn.raw.prefix_count; ++i) {
            const std::uint8_t prefix = insn.raw.prefixes[i].value;
            repeated = repeated || prefix == 0xf2 || prefix == 0xf3;
        }
    }
    return {insn.length, repeated, is_transfer(insn)};
}

std::optional<NearTransfer> near_transfer(std::span<const std::byte> bytes) {
    ZydisDecodedInstruction insn;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&length_decoder(CodeSize::Bits64), nullptr,
                                                    bytes.data(), bytes.size(), &insn)) ||
        insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
        return std::nullopt;
    }
    constexpr std::uint64_t kReturn = 8;
    constexpr std::uint64_t kCall = 0 - kReturn;
    const std::uint8_t opcode = insn.opcode;
    if (insn.opcode_map == ZYDIS_OPCODE_MAP_0F) {
        return opcode >= 0x80 && opcode <= 0x8f ? std::optional(NearTransfer{}) : std::nullopt;
    }
    if (insn.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT) {
        return std::nullopt;
    }
    switch (opcode) {
        case 0xc2: {
            const auto at = static_cast<std::size_t>(insn.length - 2);
            return NearTransfer{kReturn + std::to_integer<std::uint64_t>(bytes[at]) +
                                    (std::to_integer<std::uint64_t>(bytes[at + 1]) << 8),
                                0};
        }
        case 0xc3: return NearTransfer{kReturn, 0};
        case 0xe0:
        case 0xe1:
        case 0xe2: return NearTransfer{0, 1};
        case 0xe3:
        case 0xe9:
        case 0xeb: return NearTransfer{};
        case 0xe8: return NearTransfer{kCall, 0};
        case 0xff:
            if (insn.raw.modrm.reg == 2) {
                return NearTransfer{kCall, 0};
            }
            return insn.raw.modrm.reg == 4 ? std::optional(NearTransfer{}) : std::nullopt;
        default:
            return opcode >= 0x70 && opcode <= 0x7f ? std::optional(NearTransfer{}) : std::nullopt;
    }
}

}  // namespace trapgate::cpu

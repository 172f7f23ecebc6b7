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
    return {insn.length, repeated};
}

}  // namespace trapgate::cpu

// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/memory_reads.hpp"

#include <Zydis/Zydis.h>

namespace trapgate::cpu {
namespace {

const ZydisDecoder& decoder() {
    static const ZydisDecoder kDecoder = [] {
        ZydisDecoder made;
        ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        return made;
    }();
    return kDecoder;
}

std::uint64_t register_value(ZydisRegister reg, GuestVa behind, const AddressInputs& inputs) {
    switch (ZydisRegisterGetClass(reg)) {
        case ZYDIS_REGCLASS_GPR64:
        case ZYDIS_REGCLASS_GPR32:
            return inputs.gpr[static_cast<std::uint8_t>(ZydisRegisterGetId(reg))];
        case ZYDIS_REGCLASS_IP: return behind.value;
        default: return 0;
    }
}

std::uint64_t segment_base(ZydisRegister segment, const AddressInputs& inputs) {
    switch (segment) {
        case ZYDIS_REGISTER_FS: return inputs.fs_base;
        case ZYDIS_REGISTER_GS: return inputs.gs_base;
        default: return 0;
    }
}

}  // namespace

std::vector<MemoryRange> memory_reads(std::span<const std::byte> bytes, GuestVa at,
                                      const AddressInputs& inputs) {
    ZydisDecodedInstruction insn;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    std::vector<MemoryRange> reads;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(), &insn,
                                             operands.data()))) {
        return reads;
    }
    const GuestVa behind = at + insn.length;
    for (const ZydisDecodedOperand& operand :
         std::span(operands).first(static_cast<std::size_t>(insn.operand_count))) {
        const bool read = (operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
        if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY ||
            operand.mem.type == ZYDIS_MEMOP_TYPE_AGEN || !read) {
            continue;
        }
        std::uint64_t offset = register_value(operand.mem.base, behind, inputs) +
                               register_value(operand.mem.index, behind, inputs) *
                                   operand.mem.scale +
                               static_cast<std::uint64_t>(operand.mem.disp.value);
        if (insn.address_width == 32) {
            offset &= 0xffff'ffff;
        }
        reads.push_back(
            {GuestVa{offset + segment_base(operand.mem.segment, inputs)}, operand.size / 8ULL});
    }
    return reads;
}

}  // namespace trapgate::cpu

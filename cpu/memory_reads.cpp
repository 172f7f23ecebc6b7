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

/// An instruction with its operands.
struct Decoded {
    ZydisDecodedInstruction insn;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> storage;
    bool valid = false;

    explicit Decoded(std::span<const std::byte> bytes)
        : valid(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(), &insn,
                                                    storage.data()))) {}
    [[nodiscard]] std::span<const ZydisDecodedOperand> operands() const {
        return std::span(storage).first(valid ? insn.operand_count : std::size_t{0});
    }
};

bool accesses_memory(const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type != ZYDIS_MEMOP_TYPE_AGEN;
}

MemoryRange range_of(const ZydisDecodedOperand& operand, const ZydisDecodedInstruction& insn,
                     GuestVa at, const AddressInputs& inputs) {
    const GuestVa behind = at + insn.length;
    std::uint64_t offset = register_value(operand.mem.base, behind, inputs) +
                           register_value(operand.mem.index, behind, inputs) * operand.mem.scale +
                           static_cast<std::uint64_t>(operand.mem.disp.value);
    if (insn.address_width == 32) {
        offset &= 0xffff'ffff;
    }
    return {GuestVa{offset + segment_base(operand.mem.segment, inputs)}, operand.size / 8ULL};
}

}  // namespace

std::vector<MemoryRange> memory_reads(std::span<const std::byte> bytes, GuestVa at,
                                      const AddressInputs& inputs) {
    const Decoded decoded(bytes);
    std::vector<MemoryRange> reads;
    for (const ZydisDecodedOperand& operand : decoded.operands()) {
        const bool read = (operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
        if (accesses_memory(operand) && read) {
            reads.push_back(range_of(operand, decoded.insn, at, inputs));
        }
    }
    return reads;
}

bool through_stack_segment(std::span<const std::byte> bytes, GuestVa at,
                           const AddressInputs& inputs, GuestVa va) {
    // Below RSP for a push; and what faults may be a word beside an unaligned operand.
    constexpr std::uint64_t kAround = 16;
    const Decoded decoded(bytes);
    bool through = false;
    for (const ZydisDecodedOperand& operand : decoded.operands()) {
        if (accesses_memory(operand)) {
            const MemoryRange range = range_of(operand, decoded.insn, at, inputs);
            const std::uint64_t behind = va.value - (range.va.value - kAround);
            const bool hit = behind < range.bytes + 2 * kAround;
            if (hit && operand.mem.segment != ZYDIS_REGISTER_SS) {
                return false;
            }
            through = through || hit;
        }
    }
    return through;
}

}  // namespace trapgate::cpu

// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/decode.hpp"

#include <algorithm>

#include <Zycore/String.h>
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

OpcodeMap opcode_map_of(const ZydisDecodedInstruction& insn) {
    switch (insn.opcode_map) {
        case ZYDIS_OPCODE_MAP_DEFAULT: return OpcodeMap::OneByte;
        case ZYDIS_OPCODE_MAP_0F: return OpcodeMap::Escape0F;
        case ZYDIS_OPCODE_MAP_0F38: return OpcodeMap::Escape0F38;
        case ZYDIS_OPCODE_MAP_0F3A: return OpcodeMap::Escape0F3A;
        default: return OpcodeMap::Other;
    }
}

BranchKind branch_kind_of(const ZydisDecodedInstruction& insn) {
    const bool far = insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
    switch (insn.mnemonic) {
        case ZYDIS_MNEMONIC_LOOP:
        case ZYDIS_MNEMONIC_LOOPE:
        case ZYDIS_MNEMONIC_LOOPNE:
        case ZYDIS_MNEMONIC_JCXZ:
        case ZYDIS_MNEMONIC_JECXZ:
        case ZYDIS_MNEMONIC_JRCXZ: return BranchKind::Loop;
        case ZYDIS_MNEMONIC_IRET:
        case ZYDIS_MNEMONIC_IRETD:
        case ZYDIS_MNEMONIC_IRETQ: return BranchKind::InterruptReturn;
        default: break;
    }
    switch (insn.meta.category) {
        case ZYDIS_CATEGORY_UNCOND_BR: return far ? BranchKind::FarJump : BranchKind::Jump;
        case ZYDIS_CATEGORY_COND_BR: return BranchKind::Conditional;
        case ZYDIS_CATEGORY_CALL: return far ? BranchKind::FarCall : BranchKind::Call;
        case ZYDIS_CATEGORY_RET: return BranchKind::Return;
        case ZYDIS_CATEGORY_SYSCALL: return BranchKind::SystemCall;
        case ZYDIS_CATEGORY_SYSRET: return BranchKind::SystemReturn;
        case ZYDIS_CATEGORY_INTERRUPT: return BranchKind::Interrupt;
        default: return BranchKind::None;
    }
}

bool uses_rip(const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
           (operand.mem.base == ZYDIS_REGISTER_RIP || operand.mem.base == ZYDIS_REGISTER_EIP);
}

void read_operands(const ZydisDecodedInstruction& insn,
                   std::span<const ZydisDecodedOperand> operands, DecodedInsn& out) {
    for (const ZydisDecodedOperand& operand : operands) {
        if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
            operand.mem.type != ZYDIS_MEMOP_TYPE_AGEN) {
            out.reads_memory |= (operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
            out.writes_memory |= (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
        }
        if (uses_rip(operand)) {
            out.rip_relative = RelativeField{insn.raw.disp.offset,
                                             static_cast<std::uint8_t>(insn.raw.disp.size / 8),
                                             static_cast<std::int32_t>(insn.raw.disp.value)};
        }
    }
    if (out.branch != BranchKind::None && !operands.empty()) {
        const ZydisDecodedOperand& target = operands.front();
        out.indirect = target.visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
                       (target.type == ZYDIS_OPERAND_TYPE_REGISTER ||
                        target.type == ZYDIS_OPERAND_TYPE_MEMORY);
    }
}

void read_immediates(const ZydisDecodedInstruction& insn, DecodedInsn& out) {
    const auto& first = insn.raw.imm[0];
    if (first.size == 0) {
        return;
    }
    out.immediate = first.value.u;
    if (first.is_relative) {
        out.relative_branch = RelativeField{first.offset, static_cast<std::uint8_t>(first.size / 8),
                                            static_cast<std::int32_t>(first.value.s)};
    }
}

/// Lets the formatter ask AddressNamer for absolute addresses.
struct NamingContext {
    const AddressNamer* namer = nullptr;
    ZydisFormatterFunc plain = nullptr;
    std::uint64_t at = 0;
};

ZyanStatus print_named_address(const ZydisFormatter* formatter, ZydisFormatterBuffer* buffer,
                               ZydisFormatterContext* context) {
    const auto& naming = *static_cast<const NamingContext*>(context->user_data);
    ZyanU64 address = 0;
    if (*naming.namer && ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(
                             context->instruction, context->operand, naming.at, &address))) {
        const std::string name = (*naming.namer)(GuestVa{address});
        if (!name.empty()) {
            ZyanString* text = nullptr;
            ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
            ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &text));
            ZyanStringView view;
            ZYAN_CHECK(ZyanStringViewInsideBufferEx(&view, name.data(), name.size()));
            return ZyanStringAppend(text, &view);
        }
    }
    return naming.plain(formatter, buffer, context);
}

}  // namespace

bool DecodedInsn::has_prefix(std::uint8_t byte) const {
    return std::ranges::find(prefixes(), byte) != prefixes().end();
}

GuestVa DecodedInsn::branch_target(GuestVa at) const {
    const std::int64_t displacement = relative_branch ? relative_branch->value : 0;
    return at + length + static_cast<std::uint64_t>(displacement);
}

GuestVa DecodedInsn::rip_operand(GuestVa at) const {
    const std::int64_t displacement = rip_relative ? rip_relative->value : 0;
    return at + length + static_cast<std::uint64_t>(displacement);
}

std::optional<DecodedInsn> decode(std::span<const std::byte> bytes) {
    ZydisDecodedInstruction insn;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    const std::size_t available = std::min(bytes.size(), kMaxInsnBytes);
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder(), bytes.data(), available, &insn, operands.data()))) {
        return std::nullopt;
    }
    DecodedInsn out;
    out.length = insn.length;
    std::transform(bytes.begin(), bytes.begin() + insn.length, out.bytes.begin(),
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    out.mnemonic = static_cast<std::uint16_t>(insn.mnemonic);
    out.map = opcode_map_of(insn);
    out.opcode = insn.opcode;
    out.vector_encoding = insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
                          insn.encoding != ZYDIS_INSTRUCTION_ENCODING_3DNOW;
    if ((insn.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0) {
        out.modrm = out.bytes[insn.raw.modrm.offset];
    }
    const bool has_rex = (insn.attributes & ZYDIS_ATTRIB_HAS_REX) != 0;
    if (has_rex) {
        out.rex = out.bytes[insn.raw.rex.offset];
    }
    out.prefix_count = static_cast<std::uint8_t>(insn.raw.prefix_count - (has_rex ? 1 : 0));
    out.operand_bits = insn.operand_width;
    out.address_bits = insn.address_width;
    out.branch = branch_kind_of(insn);
    out.far = insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
              out.branch == BranchKind::InterruptReturn;
    out.repeated_string = insn.meta.category == ZYDIS_CATEGORY_STRINGOP &&
                          (insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
                                              ZYDIS_ATTRIB_HAS_REPNE)) != 0;
    read_operands(insn, std::span(operands).first(insn.operand_count), out);
    read_immediates(insn, out);
    return out;
}

std::string_view mnemonic_name(const DecodedInsn& insn) {
    const char* name = ZydisMnemonicGetString(static_cast<ZydisMnemonic>(insn.mnemonic));
    return name != nullptr ? name : "(bad)";
}

std::string format_insn(const DecodedInsn& insn, GuestVa at, Syntax syntax,
                        const AddressNamer& namer) {
    ZydisDecodedInstruction decoded;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(), insn.bytes.data(), insn.length, &decoded,
                                             operands.data()))) {
        return "(bad)";
    }
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, syntax == Syntax::Att ? ZYDIS_FORMATTER_STYLE_ATT
                                                         : ZYDIS_FORMATTER_STYLE_INTEL);
    // Setting a hook hands back the formatter's own function through the same pointer.
    const void* hook = reinterpret_cast<const void*>(&print_named_address);
    ZydisFormatterSetHook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, &hook);
    NamingContext naming{&namer, reinterpret_cast<ZydisFormatterFunc>(const_cast<void*>(hook)),
                         at.value};
    std::array<char, 256> text{};
    if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &decoded, operands.data(),
                                                      decoded.operand_count_visible, text.data(),
                                                      text.size(), at.value, &naming))) {
        return "(bad)";
    }
    return text.data();
}

}  // namespace trapgate::cpu

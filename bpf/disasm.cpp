// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/disasm.hpp"

#include <array>

#include <fmt/format.h>

#include "bpf/helpers.hpp"

namespace trapgate::bpf {

namespace {

using Names = std::array<std::string_view, 16>;

constexpr Names kAluNames = {"+=",  "-=", "*=", "/=", "|=",   "&=",     "<<=",    ">>=",
                             "neg", "%=", "^=", "=",  "s>>=", "endian", "(null)", "(null)"};
constexpr Names kJumpNames = {"jmp",  "==",   ">", ">=", "&",  "!=",  "s>",     "s>=",
                              "call", "exit", "<", "<=", "s<", "s<=", "(null)", "(null)"};

std::string_view size_name(const Insn& insn, bool is_signed) {
    switch (insn.size_code()) {
        case BPF_B: return is_signed ? "s8" : "u8";
        case BPF_H: return is_signed ? "s16" : "u16";
        case BPF_W: return is_signed ? "s32" : "u32";
        default: return "u64";
    }
}

std::string_view sign_extension(const Insn& insn) {
    if (insn.op() != BPF_MOV) {
        return "";
    }
    switch (insn.off) {
        case 8: return "(s8)";
        case 16: return "(s16)";
        case 32: return "(s32)";
        default: return "";
    }
}

std::string alu_text(const Insn& insn) {
    const int dst = insn.dst;
    const int src = insn.src;
    const bool wide = insn.cls() == BPF_ALU64;
    const char letter = wide ? 'r' : 'w';
    if (insn.op() == BPF_END) {
        const std::string_view order = wide ? "bswap" : insn.uses_src() ? "be" : "le";
        return fmt::format("r{} = {}{} r{}", dst, order, insn.imm, dst);
    }
    if (insn.op() == BPF_NEG) {
        return fmt::format("{}{} = -{}{}", letter, dst, letter, dst);
    }
    if (insn.opcode == (BPF_ALU64 | BPF_MOV | BPF_X) && insn.off == 1) {
        const auto imm = static_cast<std::uint32_t>(insn.imm);
        return fmt::format("r{} = addr_space_cast(r{}, {}, {})", dst, src, imm >> 16, imm & 0xffff);
    }
    if (insn.uses_src()) {
        return fmt::format("{}{} {} {}{}{}", letter, dst, alu_operator(insn), sign_extension(insn),
                           letter, src);
    }
    return fmt::format("{}{} {} {}", letter, dst, alu_operator(insn), insn.imm);
}

std::string atomic_text(const Insn& insn, std::string_view size) {
    const int dst = insn.dst;
    const int src = insn.src;
    const std::string_view width = insn.size_code() == BPF_DW ? "64" : "";
    const std::string place = fmt::format("({} *)(r{} {:+})", size, dst, insn.off);
    const auto fetch = [&](std::string_view name) {
        return fmt::format("r{} = atomic{}_fetch_{}({}, r{})", src, width, name, place, src);
    };
    switch (insn.imm) {
        case BPF_ADD: return fmt::format("lock *{} += r{}", place, src);
        case BPF_AND: return fmt::format("lock *{} &= r{}", place, src);
        case BPF_OR: return fmt::format("lock *{} |= r{}", place, src);
        case BPF_XOR: return fmt::format("lock *{} ^= r{}", place, src);
        case BPF_ADD | BPF_FETCH: return fetch("add");
        case BPF_AND | BPF_FETCH: return fetch("and");
        case BPF_OR | BPF_FETCH: return fetch("or");
        case BPF_XOR | BPF_FETCH: return fetch("xor");
        case BPF_XCHG: return fmt::format("r{} = atomic{}_xchg({}, r{})", src, width, place, src);
        case BPF_CMPXCHG:
            return fmt::format("r0 = atomic{}_cmpxchg({}, r0, r{})", width, place, src);
        case BPF_LOAD_ACQ:
            return fmt::format("r{} = load_acquire(({} *)(r{} {:+}))", dst, size, src, insn.off);
        case BPF_STORE_REL: return fmt::format("store_release({}, r{})", place, src);
        default: return {};
    }
}

/// Empty when the mode has no text.
std::string memory_text(const Insn& insn, std::string_view size) {
    const int dst = insn.dst;
    const int src = insn.src;
    switch (insn.cls()) {
        case BPF_LDX:
            return insn.mode() == BPF_MEM || insn.mode() == BPF_MEMSX
                       ? fmt::format("r{} = *({} *)(r{} {:+})", dst, size, src, insn.off)
                       : std::string();
        case BPF_ST:
            return insn.mode() == BPF_MEM
                       ? fmt::format("*({} *)(r{} {:+}) = {}", size, dst, insn.off, insn.imm)
                       : std::string();
        case BPF_STX:
            if (insn.mode() == BPF_MEM) {
                return fmt::format("*({} *)(r{} {:+}) = r{}", size, dst, insn.off, src);
            }
            return insn.mode() == BPF_ATOMIC ? atomic_text(insn, size) : std::string();
        default: return {};
    }
}

std::string call_text(const Insn& insn) {
    if (insn.src == BPF_PSEUDO_CALL) {
        return fmt::format("call pc{:+}", insn.imm);
    }
    if (insn.src == BPF_PSEUDO_KFUNC_CALL) {
        return fmt::format("call kernel-function#{}", insn.imm);
    }
    return fmt::format("call {}#{}", helper_name(static_cast<std::uint32_t>(insn.imm)), insn.imm);
}

std::string jump_text(const Insn& insn) {
    const char letter = insn.cls() == BPF_JMP32 ? 'w' : 'r';
    const int dst = insn.dst;
    if (insn.op() == BPF_CALL) {
        return call_text(insn);
    }
    if (insn.opcode == (BPF_JMP | BPF_JA)) {
        return fmt::format("goto pc{:+}", insn.off);
    }
    if (insn.opcode == (BPF_JMP32 | BPF_JA)) {
        return fmt::format("gotol pc{:+}", insn.imm);
    }
    if (insn.is_may_goto()) {
        return fmt::format("may_goto pc{:+}", insn.off);
    }
    if (insn.is_exit()) {
        return "exit";
    }
    const std::string_view op = kJumpNames[insn.op() >> 4];
    if (insn.uses_src()) {
        return fmt::format("if {}{} {} {}{} goto pc{:+}", letter, dst, op, letter,
                           static_cast<int>(insn.src), insn.off);
    }
    return fmt::format("if {}{} {} {:#x} goto pc{:+}", letter, dst, op,
                       static_cast<std::uint32_t>(insn.imm), insn.off);
}

std::string load_text(const Insn& insn, const Insn& high, const DisasmOptions& options) {
    if (insn.is_ld_imm64()) {
        const std::string value = insn.src != 0 && options.pointer_text
                                      ? options.pointer_text(insn, high)
                                      : fmt::format("{:#x}", imm64(insn, high));
        return fmt::format("r{} = {}", static_cast<int>(insn.dst), value);
    }
    const std::string_view size = size_name(insn, false);
    if (insn.mode() == BPF_ABS) {
        return fmt::format("r0 = *({} *)skb[{}]", size, insn.imm);
    }
    if (insn.mode() == BPF_IND) {
        return fmt::format("r0 = *({} *)skb[r{} + {}]", size, static_cast<int>(insn.src), insn.imm);
    }
    return {};
}

/// What Linux writes for an opcode that has no text.
std::string no_text(const Insn& insn) {
    const std::string_view kind = insn.cls() == BPF_STX  ? ""
                                  : insn.cls() == BPF_ST ? "st_"
                                  : insn.cls() == BPF_LD ? "ld_"
                                                         : "ldx_";
    return fmt::format("BUG_{}{:02x}", kind, insn.opcode);
}

}  // namespace

std::string_view alu_operator(const Insn& insn) {
    if (insn.off == 1 && insn.op() == BPF_DIV) {
        return "s/=";
    }
    if (insn.off == 1 && insn.op() == BPF_MOD) {
        return "s%=";
    }
    return kAluNames[insn.op() >> 4];
}

std::string disassemble(std::span<const Insn> insns, std::size_t index,
                        const DisasmOptions& options) {
    const Insn& insn = insns[index];
    const Insn high = index + 1 < insns.size() ? insns[index + 1] : Insn{};
    std::string text;
    if (insn.is_alu()) {
        text = alu_text(insn);
    } else if (insn.is_jump_class()) {
        text = jump_text(insn);
    } else if (insn.cls() == BPF_LD) {
        text = load_text(insn, high, options);
    } else {
        text = memory_text(insn, size_name(insn, insn.mode() == BPF_MEMSX));
    }
    if (text.empty()) {
        return no_text(insn);
    }
    return options.opcode ? fmt::format("({:02x}) {}", insn.opcode, text) : text;
}

std::string disassemble_all(std::span<const Insn> insns, const DisasmOptions& options) {
    std::string text;
    for (std::size_t i = 0; i < insns.size(); i += insns[i].slots()) {
        text += fmt::format("{:4}: {}\n", i, disassemble(insns, i, options));
    }
    return text;
}

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
#include <bit>
#include <limits>

#include "bpf/jit/encoder.hpp"

namespace trapgate::bpf::jit {

namespace {

constexpr Gpr kDivisor = Gpr::R11;

bool is_signed_division(const Insn& insn) { return insn.off == 1; }

}  // namespace

void Encoder::alu_simple(const Insn& insn, bool w, X64Alu op) {
    const Gpr dst = x64_reg(insn.dst);
    if (insn.uses_src()) {
        x_.alu(w, op, dst, x64_reg(insn.src));
    } else {
        x_.alu(w, op, dst, insn.imm);
    }
}

void Encoder::mov(const Insn& insn, bool w) {
    const Gpr dst = x64_reg(insn.dst);
    if (!insn.uses_src()) {
        const auto wide = static_cast<std::uint64_t>(std::int64_t{insn.imm});
        x_.mov_imm(dst, w ? wide : static_cast<std::uint32_t>(insn.imm));
        return;
    }
    const Gpr src = x64_reg(insn.src);
    if (insn.off != 0) {
        x_.extend(w, true, static_cast<std::uint32_t>(insn.off) / 8, dst, src);
    } else if (!w || dst != src) {
        x_.mov(w, dst, src);
    }
}

void Encoder::mul(const Insn& insn, bool w) {
    const Gpr dst = x64_reg(insn.dst);
    if (insn.uses_src()) {
        x_.imul(w, dst, x64_reg(insn.src));
    } else {
        x_.imul(w, dst, dst, insn.imm);
    }
}

void Encoder::shift_by_reg(bool w, X64Shift op, Gpr dst, Gpr src) {
    if (src == Gpr::Rcx && dst != Gpr::Rcx) {
        x_.shift_cl(w, op, dst);
        return;
    }
    // The count must be in cl: R4 steps aside, or is itself what is shifted.
    x_.mov(true, Gpr::R11, Gpr::Rcx);
    if (src != Gpr::Rcx) {
        x_.mov(true, Gpr::Rcx, src);
    }
    x_.shift_cl(w, op, dst == Gpr::Rcx ? Gpr::R11 : dst);
    x_.mov(true, Gpr::Rcx, Gpr::R11);
}

void Encoder::shift(const Insn& insn, bool w, X64Shift op) {
    const Gpr dst = x64_reg(insn.dst);
    if (insn.uses_src()) {
        shift_by_reg(w, op, dst, x64_reg(insn.src));
        return;
    }
    const auto count = static_cast<std::uint8_t>(insn.imm & (w ? 63 : 31));
    if (count != 0) {
        x_.shift(w, op, dst, count);
    } else if (!w) {
        x_.mov(false, dst, dst);
    }
}

/// Unsigned division and remainder by 2^n are a shift and a mask.
bool Encoder::divide_by_power_of_two(const Insn& insn, bool w) {
    if (insn.uses_src() || is_signed_division(insn) || insn.imm <= 0 ||
        !std::has_single_bit(static_cast<std::uint32_t>(insn.imm))) {
        return false;
    }
    const Gpr dst = x64_reg(insn.dst);
    if (insn.op() == BPF_MOD) {
        x_.alu(w, X64Alu::And, dst, insn.imm - 1);
        return true;
    }
    const int count = std::countr_zero(static_cast<std::uint32_t>(insn.imm));
    if (count != 0) {
        x_.shift(w, X64Shift::Shr, dst, static_cast<std::uint8_t>(count));
    } else if (!w) {
        x_.mov(false, dst, dst);
    }
    return true;
}

/// RFC 9669: x / 0 = 0, x % 0 = x; the smallest number / -1 = itself, % -1 = 0. The CPU would trap
/// on all of these.
void Encoder::divide(const Insn& insn, bool w) {
    if (divide_by_power_of_two(insn, w)) {
        return;
    }
    const Gpr dst = x64_reg(insn.dst);
    const bool remainder = insn.op() == BPF_MOD;
    const bool is_signed = is_signed_division(insn);
    const bool unknown = insn.uses_src();
    if (unknown) {
        x_.mov(w, kDivisor, x64_reg(insn.src));
    } else {
        x_.mov_imm(kDivisor, static_cast<std::uint64_t>(std::int64_t{insn.imm}));
    }

    std::vector<std::uint32_t> ends;
    if (unknown || insn.imm == 0) {
        x_.test(w, kDivisor, kDivisor);
        const std::uint32_t not_zero = x_.short_jump(X64Cond::NotEqual);
        if (!remainder) {
            x_.mov_imm(dst, 0);
        } else if (!w) {
            x_.mov(false, dst, dst);
        }
        ends.push_back(x_.short_jump());
        x_.land(not_zero);
    }
    if (is_signed && (unknown || insn.imm == -1)) {
        x_.alu(w, X64Alu::Cmp, kDivisor, -1);
        const std::uint32_t not_minus_one = x_.short_jump(X64Cond::NotEqual);
        if (remainder) {
            x_.mov_imm(dst, 0);
        } else {
            x_.neg(w, dst);
        }
        ends.push_back(x_.short_jump());
        x_.land(not_minus_one);
    }

    if (dst != Gpr::Rax) {
        x_.mov(true, Gpr::R9, Gpr::Rax);
        x_.mov(true, Gpr::Rax, dst);
    }
    if (dst != Gpr::Rdx) {
        x_.mov(true, Gpr::R10, Gpr::Rdx);
    }
    if (is_signed) {
        x_.sign_extend_rax_to_rdx(w);
    } else {
        x_.mov_imm(Gpr::Rdx, 0);
    }
    x_.div(w, is_signed, kDivisor);
    const Gpr result = remainder ? Gpr::Rdx : Gpr::Rax;
    if (dst != result) {
        x_.mov(true, dst, result);
    }
    if (dst != Gpr::Rax) {
        x_.mov(true, Gpr::Rax, Gpr::R9);
    }
    if (dst != Gpr::Rdx) {
        x_.mov(true, Gpr::Rdx, Gpr::R10);
    }
    for (const std::uint32_t end : ends) {
        x_.land(end);
    }
}

void Encoder::byte_order(const Insn& insn) {
    const Gpr dst = x64_reg(insn.dst);
    const bool swap = insn.cls() == BPF_ALU64 || insn.uses_src();  // bswap, or to big endian
    if (insn.imm == 16) {
        if (swap) {
            x_.rotate16_by_8(dst);
        }
        x_.extend(false, false, 2, dst, dst);
    } else if (swap) {
        x_.byte_swap(insn.imm == 64, dst);
    } else if (insn.imm == 32) {
        x_.mov(false, dst, dst);
    }
}

Result<void> Encoder::alu(const Insn& insn) {
    const bool w = insn.cls() == BPF_ALU64;
    switch (insn.op()) {
        case BPF_ADD: alu_simple(insn, w, X64Alu::Add); break;
        case BPF_SUB: alu_simple(insn, w, X64Alu::Sub); break;
        case BPF_OR: alu_simple(insn, w, X64Alu::Or); break;
        case BPF_AND: alu_simple(insn, w, X64Alu::And); break;
        case BPF_XOR: alu_simple(insn, w, X64Alu::Xor); break;
        case BPF_MUL: mul(insn, w); break;
        case BPF_DIV:
        case BPF_MOD: divide(insn, w); break;
        case BPF_LSH: shift(insn, w, X64Shift::Shl); break;
        case BPF_RSH: shift(insn, w, X64Shift::Shr); break;
        case BPF_ARSH: shift(insn, w, X64Shift::Sar); break;
        case BPF_NEG: x_.neg(w, x64_reg(insn.dst)); break;
        case BPF_MOV: {
            const bool extends = insn.off == 8 || insn.off == 16 || (w && insn.off == 32);
            if (insn.off != 0 && !(insn.uses_src() && extends)) {
                return fail("address-space casts have no machine code yet");
            }
            mov(insn, w);
            break;
        }
        case BPF_END:
            if (insn.imm != 16 && insn.imm != 32 && insn.imm != 64) {
                return fail("byte swap of a strange width");
            }
            byte_order(insn);
            break;
        default: return fail("unknown ALU operation");
    }
    return {};
}

}  // namespace trapgate::bpf::jit

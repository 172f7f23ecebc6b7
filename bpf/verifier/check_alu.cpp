// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/disasm.hpp"
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

std::optional<ScalarOp> scalar_op(std::uint8_t op) {
    switch (op) {
        case BPF_ADD: return ScalarOp::Add;
        case BPF_SUB: return ScalarOp::Sub;
        case BPF_MUL: return ScalarOp::Mul;
        case BPF_AND: return ScalarOp::And;
        case BPF_OR: return ScalarOp::Or;
        case BPF_XOR: return ScalarOp::Xor;
        case BPF_LSH: return ScalarOp::Shl;
        case BPF_RSH: return ScalarOp::Shr;
        case BPF_ARSH: return ScalarOp::Sar;
        default: return std::nullopt;
    }
}

/// The low `bits` bits, in their order or with their bytes reversed.
Scalar byte_order(const Scalar& s, unsigned bits, bool swaps) {
    Tnum result = s.bits.cast(bits / 8);
    if (swaps) {
        const unsigned shift = 64 - bits;
        result = {__builtin_bswap64(result.value) >> shift,
                  __builtin_bswap64(result.mask) >> shift};
    }
    return Scalar::of_bits(result);
}

bool is_shift(std::uint8_t op) { return op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH; }

}  // namespace

int Verifier::check_number(unsigned reg_no) {
    if (reg_no >= kRegisters) {
        say("R{} is invalid\n", reg_no);
        return -EINVAL;
    }
    return 0;
}

int Verifier::check_readable(unsigned reg_no) {
    if (const int err = check_number(reg_no); err != 0) {
        return err;
    }
    changed_regs_ = static_cast<std::uint16_t>(changed_regs_ | 1U << reg_no);  // Linux's log shows
                                                                               // it.
    if (reg(reg_no).type == RegType::NotInit) {
        say("R{} !read_ok\n", reg_no);
        return -EACCES;
    }
    return 0;
}

int Verifier::check_writable(unsigned reg_no) {
    if (const int err = check_number(reg_no); err != 0) {
        return err;
    }
    if (reg_no == kFrameReg) {
        say("frame pointer is read only\n");
        return -EACCES;
    }
    return 0;
}

void Verifier::set_reg(unsigned reg_no, const RegState& value) {
    state_.regs()[reg_no] = value;
    changed_regs_ = static_cast<std::uint16_t>(changed_regs_ | 1U << reg_no);
}

int Verifier::check_alu_reserved(const Insn& insn) {
    const std::uint8_t op = insn.op();
    const auto refuse = [&](std::string_view what) {
        say("{} uses reserved fields\n", what);
        return -EINVAL;
    };
    if (op == BPF_NEG) {
        return insn.src != 0 || insn.off != 0 || insn.imm != 0 ? refuse("BPF_NEG") : 0;
    }
    if (op == BPF_END) {
        const bool width = insn.imm == 16 || insn.imm == 32 || insn.imm == 64;
        return insn.src != 0 || insn.off != 0 || !width ? refuse("BPF_END") : 0;
    }
    if (op == BPF_MOV) {
        if (!insn.uses_src()) {
            return insn.src != 0 || insn.off != 0 ? refuse("BPF_MOV") : 0;
        }
        const bool extends = insn.off == 8 || insn.off == 16 ||
                             (insn.off == 32 && insn.cls() == BPF_ALU64);
        return insn.imm != 0 || (insn.off != 0 && !extends) ? refuse("BPF_MOV") : 0;
    }
    const bool divides = op == BPF_DIV || op == BPF_MOD;
    const bool bad_off = insn.off != 0 && !(divides && insn.off == 1);
    const bool bad_rest = insn.uses_src() ? insn.imm != 0 : insn.src != 0;
    return bad_off || bad_rest ? refuse("BPF_ALU") : 0;
}

int Verifier::check_mov(const Insn& insn) {
    const bool wide = insn.cls() == BPF_ALU64;
    if (!insn.uses_src()) {
        const auto imm = static_cast<std::uint64_t>(std::int64_t{insn.imm});
        set_reg(insn.dst, RegState::constant(wide ? imm : static_cast<std::uint32_t>(imm)));
        return 0;
    }
    RegState& src = reg(insn.src);
    const std::uint32_t extends_from = static_cast<std::uint32_t>(insn.off) / 8;
    if (src.is_pointer()) {
        set_reg(insn.dst, wide && extends_from == 0
                              ? src
                              : RegState::scalar(Scalar::of_size(wide ? 8 : 4, false)));
        return 0;
    }
    // Copies of the same number are linked: what a branch tells of one is true of all.
    const std::uint64_t limit = extends_from != 0 ? 1ULL << (insn.off - 1) : wide ? 0 : 1ULL << 32;
    const bool is_copy = limit == 0 || src.number.wide.umax < limit;
    if (is_copy && src.id == 0 && !src.number.is_const()) {
        src.id = new_id();
        changed_regs_ = static_cast<std::uint16_t>(changed_regs_ | 1U << insn.src);
    }
    RegState copy = src;
    if (!is_copy) {
        copy.id = 0;
        if (extends_from != 0) {
            copy.number.sign_extend(extends_from);
        }
    }
    if (!wide) {
        copy.number.zero_extend(4);
    }
    set_reg(insn.dst, copy);
    return 0;
}

RegState Verifier::scalar_result(const Insn& insn, const RegState& a, const RegState& b) {
    const bool is_32bit = insn.cls() == BPF_ALU;
    const std::optional<ScalarOp> op = scalar_op(insn.op());
    const std::uint64_t bits = is_32bit ? 32 : 64;
    const std::uint64_t count = is_32bit ? b.number.low.umax : b.number.wide.umax;
    const bool b_is_const = is_32bit ? b.number.low_is_const() : b.number.is_const();
    const bool can_tell = op && (!is_shift(insn.op()) || (b_is_const && count < bits));
    if (!can_tell) {
        return RegState::unknown();  // As Linux: it does not even say that a 32-bit result is
                                     // short.
    }
    return RegState::scalar(a.number.apply(*op, b.number, is_32bit));
}

int Verifier::check_binary(const Insn& insn) {
    const RegState dst = reg(insn.dst);
    const RegState src = insn.uses_src() ? reg(insn.src)
                                         : RegState::constant(
                                               static_cast<std::uint64_t>(std::int64_t{insn.imm}));
    if (dst.is_scalar() && src.is_scalar()) {
        RegState result = scalar_result(insn, dst, src);
        result.origin = origins_.join(dst.origin, src.origin);
        set_reg(insn.dst, result);
        return 0;
    }
    if (dst.is_pointer() && src.is_pointer()) {
        if (insn.op() == BPF_SUB) {
            set_reg(insn.dst, RegState::unknown());
            return 0;
        }
        say("R{} pointer {} pointer prohibited\n", insn.dst, alu_operator(insn));
        return -EACCES;
    }
    if (insn.cls() == BPF_ALU) {
        if (insn.op() == BPF_SUB) {
            set_reg(insn.dst, RegState::unknown());
            return 0;
        }
        say("R{} 32-bit pointer arithmetic prohibited\n", insn.dst);
        return -EACCES;
    }
    return dst.is_pointer() ? pointer_arithmetic(insn, dst, src, true)
                            : pointer_arithmetic(insn, src, dst, false);
}

int Verifier::check_alu(const Insn& insn) {
    if (const int err = check_alu_reserved(insn); err != 0) {
        return err;
    }
    if (insn.uses_src() && insn.op() != BPF_END) {
        if (const int err = check_readable(insn.src); err != 0) {
            return err;
        }
    }
    if (insn.op() != BPF_MOV) {
        if (const int err = check_readable(insn.dst); err != 0) {
            return err;
        }
    }
    const bool divides = insn.op() == BPF_DIV || insn.op() == BPF_MOD;
    if (divides && !insn.uses_src() && insn.imm == 0) {
        say("div by zero\n");
        return -EINVAL;
    }
    const std::int32_t bits = insn.cls() == BPF_ALU64 ? 64 : 32;
    if (is_shift(insn.op()) && !insn.uses_src() && (insn.imm < 0 || insn.imm >= bits)) {
        say("invalid shift {}\n", insn.imm);
        return -EINVAL;
    }
    if (const int err = check_writable(insn.dst); err != 0) {
        return err;
    }
    switch (insn.op()) {
        case BPF_MOV: return check_mov(insn);
        case BPF_NEG:
        case BPF_END: {
            const RegState dst = reg(insn.dst);
            RegState result = RegState::unknown();
            if (dst.is_scalar() && insn.op() == BPF_NEG) {
                result.number = Scalar::constant(0).apply(ScalarOp::Sub, dst.number,
                                                          insn.cls() == BPF_ALU);
            } else if (dst.is_scalar()) {
                const bool swaps = insn.cls() == BPF_ALU64 || insn.uses_src();
                result.number = byte_order(dst.number, static_cast<unsigned>(insn.imm), swaps);
            }
            result.origin = dst.origin;
            set_reg(insn.dst, result);
            return 0;
        }
        default: return check_binary(insn);
    }
}

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// Pointer plus or minus a number.
#include "bpf/disasm.hpp"
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

bool fits_s32(std::int64_t v) { return v == static_cast<std::int32_t>(v); }

}  // namespace

int Verifier::check_sane_offset(const RegState& r, RegType pointer_type) {
    const std::string kind = type_text(pointer_type, false);
    const auto value = static_cast<std::int64_t>(r.number.value());
    const std::int64_t smin = r.number.wide.smin;
    if (r.number.is_const() && (value >= kMaxVarOff || value <= -kMaxVarOff)) {
        say("math between {} pointer and {} is not allowed\n", kind, value);
        return -EINVAL;
    }
    if (r.off >= kMaxVarOff || r.off <= -kMaxVarOff) {
        say("{} pointer offset {} is not allowed\n", kind, r.off);
        return -EINVAL;
    }
    if (smin == std::numeric_limits<std::int64_t>::min()) {
        say("math between {} pointer and register with unbounded min value is not allowed\n", kind);
        return -EINVAL;
    }
    if (smin >= kMaxVarOff || smin <= -kMaxVarOff) {
        say("value {} makes {} pointer be out of bounds\n", smin, kind);
        return -EINVAL;
    }
    return 0;
}

int Verifier::pointer_arithmetic(const Insn& insn, const RegState& pointer, const RegState& number,
                                 bool pointer_is_dst) {
    const unsigned dst = insn.dst;
    needs(number);
    if (pointer.or_null) {
        say("R{} pointer arithmetic on {} prohibited, null-check it first\n", dst,
            type_text(pointer));
        return -EACCES;
    }
    const bool adds_nothing = number.number.is_zero();
    if (pointer.type == RegType::ConstMapPtr && !adds_nothing) {
        say("R{} pointer arithmetic on {} prohibited\n", dst, type_text(pointer));
        return -EACCES;
    }
    for (const RegState* part : {&number, &pointer}) {
        if (const int err = check_sane_offset(*part, pointer.type); err != 0) {
            return err;
        }
    }
    RegState result = pointer;
    const Scalar& n = number.number;
    const auto value = static_cast<std::int64_t>(n.value());
    switch (insn.op()) {
        case BPF_ADD:
            if (n.is_const() && fits_s32(pointer.off + value)) {
                result.off = static_cast<std::int32_t>(pointer.off + value);
            } else {
                result.number = pointer.number.apply(ScalarOp::Add, n, false);
            }
            break;
        case BPF_SUB:
            if (!pointer_is_dst) {
                say("R{} tried to subtract pointer from scalar\n", dst);
                return -EACCES;
            }
            if (pointer.type == RegType::Stack) {
                say("R{} subtraction from stack pointer prohibited\n", dst);
                return -EACCES;
            }
            if (n.is_const() && fits_s32(pointer.off - value)) {
                result.off = static_cast<std::int32_t>(pointer.off - value);
            } else {
                result.number = pointer.number.apply(ScalarOp::Sub, n, false);
            }
            break;
        case BPF_AND:
        case BPF_OR:
        case BPF_XOR:
            say("R{} bitwise operator {} on pointer prohibited\n", dst, alu_operator(insn));
            return -EACCES;
        default:
            say("R{} pointer arithmetic with {} operator prohibited\n", dst, alu_operator(insn));
            return -EACCES;
    }
    if (const int err = check_sane_offset(result, pointer.type); err != 0) {
        return err;
    }
    set_reg(dst, result);
    return 0;
}

}  // namespace trapgate::bpf

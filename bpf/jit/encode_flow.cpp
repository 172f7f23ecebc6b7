// SPDX-License-Identifier: GPL-2.0-only
#include <bit>

#include "bpf/jit/encoder.hpp"

namespace trapgate::bpf::jit {

namespace {

std::optional<X64Cond> condition(std::uint8_t op) {
    switch (op) {
        case BPF_JEQ: return X64Cond::Equal;
        case BPF_JNE:
        case BPF_JSET: return X64Cond::NotEqual;
        case BPF_JGT: return X64Cond::Above;
        case BPF_JGE: return X64Cond::AboveEqual;
        case BPF_JLT: return X64Cond::Below;
        case BPF_JLE: return X64Cond::BelowEqual;
        case BPF_JSGT: return X64Cond::Greater;
        case BPF_JSGE: return X64Cond::GreaterEqual;
        case BPF_JSLT: return X64Cond::Less;
        case BPF_JSLE: return X64Cond::LessEqual;
        default: return std::nullopt;
    }
}

}  // namespace

Result<void> Encoder::conditional(std::uint32_t index) {
    const Insn& insn = insns_[index];
    const std::optional<X64Cond> cond = condition(insn.op());
    if (!cond) {
        return unsupported(index);
    }
    const bool w = insn.cls() == BPF_JMP;
    const Gpr dst = x64_reg(insn.dst);
    if (insn.op() == BPF_JSET) {
        if (insn.uses_src()) {
            x_.test(w, dst, x64_reg(insn.src));
        } else {
            x_.test(w, dst, insn.imm);
        }
    } else if (insn.uses_src()) {
        x_.alu(w, X64Alu::Cmp, dst, x64_reg(insn.src));
    } else if (insn.imm == 0) {
        x_.test(w, dst, dst);  // Shorter, and leaves the same flags.
    } else {
        x_.alu(w, X64Alu::Cmp, dst, insn.imm);
    }
    buffer_.branch(static_cast<std::uint32_t>(std::int64_t{index} + 1 + insn.jump_offset()), cond);
    return {};
}

/// map_lookup_elem of an array known at verification: bounds check, multiply, add. R0 = &value or
/// 0.
bool Encoder::inline_array_lookup(std::uint32_t index) {
    const std::vector<std::int32_t>& call_map = input_.program.call_map;
    if (insns_[index].imm != BPF_FUNC_map_lookup_elem || index >= call_map.size() ||
        call_map[index] < 0 || static_cast<std::size_t>(call_map[index]) >= input_.maps.size()) {
        return false;
    }
    const JitMap& map = input_.maps[static_cast<std::size_t>(call_map[index])];
    constexpr std::uint32_t kImmLimit = 1U << 31;
    if (map.type != BPF_MAP_TYPE_ARRAY || map.value_va == 0 || map.value_stride >= kImmLimit ||
        map.max_entries >= kImmLimit) {
        return false;
    }
    x_.load(4, false, Gpr::Rax, {Gpr::Rsi, 0});
    x_.alu(false, X64Alu::Cmp, Gpr::Rax, static_cast<std::int32_t>(map.max_entries));
    const std::uint32_t miss = x_.short_jump(X64Cond::AboveEqual);
    // Ten bytes whatever the address: code size must not depend on where things lie.
    x_.mov_imm_wide(Gpr::R11, map.value_va);
    if (map.value_stride == 8) {
        x_.lea_scaled8(Gpr::Rax, Gpr::R11, Gpr::Rax);
    } else {
        if (std::has_single_bit(map.value_stride)) {
            x_.shift(true, X64Shift::Shl, Gpr::Rax,
                     static_cast<std::uint8_t>(std::countr_zero(map.value_stride)));
        } else {
            x_.imul(true, Gpr::Rax, Gpr::Rax, static_cast<std::int32_t>(map.value_stride));
        }
        x_.alu(true, X64Alu::Add, Gpr::Rax, Gpr::R11);
    }
    const std::uint32_t end = x_.short_jump();
    x_.land(miss);
    x_.mov_imm(Gpr::Rax, 0);
    x_.land(end);
    return true;
}

Result<void> Encoder::call(std::uint32_t index) {
    const Insn& insn = insns_[index];
    if ((insn.opcode & BPF_X) != 0) {
        return unsupported(index);  // callx
    }
    if (insn.is_local_call()) {
        buffer_.call_function(static_cast<std::uint32_t>(std::int64_t{index} + 1 + insn.imm));
        return {};
    }
    if (!insn.is_helper_call() || insn.imm == BPF_FUNC_tail_call) {
        return unsupported(index);
    }
    if (!inline_array_lookup(index)) {
        buffer_.call_va(input_.helper_va(static_cast<std::uint32_t>(insn.imm)));
    }
    return {};
}

Result<void> Encoder::jump(std::uint32_t index, const Function& function) {
    const Insn& insn = insns_[index];
    if (insn.is_goto() && !insn.uses_src()) {
        if (insn.jump_offset() != 0) {
            buffer_.branch(
                static_cast<std::uint32_t>(std::int64_t{index} + 1 + insn.jump_offset()));
        }
        return {};
    }
    if (insn.is_conditional_jump()) {
        return conditional(index);
    }
    if (insn.cls() == BPF_JMP && insn.op() == BPF_CALL) {
        return call(index);
    }
    if (insn.is_exit()) {
        epilogue(function);
        return {};
    }
    return unsupported(index);
}

}  // namespace trapgate::bpf::jit

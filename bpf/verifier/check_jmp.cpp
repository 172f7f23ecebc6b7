// SPDX-License-Identifier: GPL-2.0-only
// Conditional jumps: which way it can go, and what each way tells of the registers.
#include "bpf/verifier/branch.hpp"
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

/// A pointer that Linux knows not to be NULL when it is compared with 0.
bool never_null(const RegState& r) {
    return !r.or_null && (r.type == RegType::MapValue || r.type == RegType::RingMem ||
                          r.type == RegType::ConstMapPtr);
}

bool is_equality(const Insn& insn) { return insn.op() == BPF_JEQ || insn.op() == BPF_JNE; }

}  // namespace

/// All pointers with this id turn out to be NULL, or not.
void Verifier::mark_null(State& state, std::uint32_t id, bool is_null) {
    std::uint32_t lost_ref = 0;
    state.for_each_reg([&](RegState& r) {
        if (!r.or_null || r.id != id) {
            return;
        }
        if (is_null) {
            lost_ref = r.ref_id;
            r = RegState::constant(0);
        } else {
            r.or_null = false;
            r.id = 0;
        }
    });
    if (lost_ref != 0) {
        std::erase_if(state.references, [&](const Reference& ref) { return ref.id == lost_ref; });
    }
}

/// Every scalar that is a copy of `known` has its value.
void Verifier::refine_linked(State& state, const RegState& known) {
    if (known.id == 0 || !known.is_scalar()) {
        return;
    }
    state.for_each_reg([&](RegState& r) {
        if (r.is_scalar() && r.id == known.id) {
            r.number = known.number;
            r.origin = origins_.join(r.origin, known.origin);
        }
    });
}

void Verifier::tighten_after_jump(State& state, const Insn& insn, bool taken) {
    const std::optional<Compare> compare = compare_of(insn.op());
    const Compare fact = taken ? *compare : opposite(*compare);
    const bool is_32bit = insn.cls() == BPF_JMP32;
    RegState& dst = state.regs()[insn.dst];
    RegState imm = RegState::constant(static_cast<std::uint64_t>(std::int64_t{insn.imm}));
    RegState& src = insn.uses_src() ? state.regs()[insn.src] : imm;
    if (!dst.is_scalar() || !src.is_scalar()) {
        return;
    }
    if (&dst == &src) {
        return;  // Compared with itself: nothing to learn.
    }
    const Tnum dst_bits = dst.number.bits;
    const Tnum src_bits = src.number.bits;
    if (!compare_assume(fact, dst.number, src.number, is_32bit)) {
        // The path cannot happen. Linux walks it all the same, with what the bits alone say.
        dst.number = Scalar::of_bits(dst_bits);
        src.number = Scalar::of_bits(src_bits);
    }
    // Each side was narrowed by the other: whoever needs one needs both.
    dst.origin = src.origin = origins_.join(dst.origin, src.origin);
    const RegState dst_copy = dst;
    const RegState src_copy = src;
    refine_linked(state, dst_copy);
    if (insn.uses_src() && src_copy.id != dst_copy.id) {
        refine_linked(state, src_copy);
    }
}

int Verifier::check_conditional(const Insn& insn) {
    const std::optional<Compare> compare = compare_of(insn.op());
    if (!compare) {
        say("invalid BPF_JMP/JMP32 opcode {:x}\n", insn.op());
        return -EINVAL;
    }
    if (const int err = check_readable(insn.dst); err != 0) {
        return err;
    }
    if (insn.uses_src() ? insn.imm != 0 : insn.src != 0) {
        say("BPF_JMP/JMP32 uses reserved fields\n");
        return -EINVAL;
    }
    if (insn.uses_src()) {
        if (const int err = check_readable(insn.src); err != 0) {
            return err;
        }
    }
    const bool is_32bit = insn.cls() == BPF_JMP32;
    const RegState dst = reg(insn.dst);
    const RegState src = insn.uses_src() ? reg(insn.src)
                                         : RegState::constant(
                                               static_cast<std::uint64_t>(std::int64_t{insn.imm}));
    const std::uint32_t target = static_cast<std::uint32_t>(std::int64_t{pc_} + 1 +
                                                            insn.jump_offset());
    std::optional<bool> known;
    if (dst.is_scalar() && src.is_scalar()) {
        known = compare_known(*compare, dst.number, src.number, is_32bit);
    } else if (!is_32bit && is_equality(insn) &&
               ((never_null(dst) && src.is_zero()) || (dst.is_zero() && never_null(src)))) {
        known = insn.op() == BPF_JNE;
    }
    if (known) {
        needs(dst);
        needs(src);
        pc_ = *known ? target : pc_ + 1;
        return 0;
    }

    State other = state_;
    tighten_after_jump(other, insn, true);
    tighten_after_jump(state_, insn, false);

    const bool null_check = !is_32bit && !insn.uses_src() && insn.imm == 0 && is_equality(insn) &&
                            dst.or_null;
    if (null_check) {
        mark_null(other, dst.id, insn.op() == BPF_JEQ);
        mark_null(state_, dst.id, insn.op() == BPF_JNE);
    } else if (!is_32bit && insn.uses_src() && is_equality(insn) && dst.is_pointer() &&
               src.is_pointer() && dst.or_null != src.or_null) {
        // Equal to a pointer that is not NULL.
        const RegState& certain = dst.or_null ? src : dst;
        const RegState& doubtful = dst.or_null ? dst : src;
        if (certain.type == doubtful.type && never_null(certain)) {
            mark_null(insn.op() == BPF_JEQ ? other : state_, doubtful.id, false);
        }
    }
    if (const int err = push_branch(target, pc_, std::move(other)); err != 0) {
        return err;
    }
    ++pc_;
    return 0;
}

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// The control flow graph, without values: reachability, join points, and which registers are still
// wanted.
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

constexpr std::uint16_t bit(unsigned reg) { return static_cast<std::uint16_t>(1U << reg); }
constexpr std::uint16_t kCallerSaved = 0x3f;  // R0..R5
constexpr std::uint16_t kArguments = 0x3e;    // R1..R5

struct Effects {
    std::uint16_t reads = 0;
    std::uint16_t writes = 0;
};

Effects alu_effects(const Insn& insn) {
    Effects e;
    e.writes = bit(insn.dst);
    const bool is_mov = insn.op() == BPF_MOV;
    e.reads = is_mov ? 0 : bit(insn.dst);
    if (insn.uses_src() && insn.op() != BPF_END) {
        e.reads |= bit(insn.src);
    }
    return e;
}

Effects atomic_effects(const Insn& insn) {
    Effects e;
    e.reads = static_cast<std::uint16_t>(bit(insn.dst) | bit(insn.src));
    if (insn.imm == BPF_LOAD_ACQ) {
        e.reads = bit(insn.src);
        e.writes = bit(insn.dst);
    } else if (insn.imm == BPF_CMPXCHG) {
        e.reads |= bit(0);
        e.writes = bit(0);
    } else if (insn.imm != BPF_STORE_REL && (insn.imm & BPF_FETCH) != 0) {
        e.writes = bit(insn.src);
    }
    return e;
}

Effects jump_effects(const Insn& insn) {
    Effects e;
    if (insn.is_call()) {
        // All five arguments may be read, whatever the callee is.
        e.reads = kArguments;
        e.writes = kCallerSaved;
    } else if (insn.is_exit()) {
        e.reads = bit(0);
    } else if (insn.is_conditional_jump()) {
        e.reads = bit(insn.dst);
        if (insn.uses_src()) {
            e.reads |= bit(insn.src);
        }
    }
    return e;
}

Effects effects_of(const Insn& insn) {
    switch (insn.cls()) {
        case BPF_ALU:
        case BPF_ALU64: return alu_effects(insn);
        case BPF_LD: return {0, bit(insn.dst)};
        case BPF_LDX: return {bit(insn.src), bit(insn.dst)};
        case BPF_ST: return {bit(insn.dst), 0};
        case BPF_STX:
            if (insn.is_atomic()) {
                return atomic_effects(insn);
            }
            return {static_cast<std::uint16_t>(bit(insn.dst) | bit(insn.src)), 0};
        default: return jump_effects(insn);
    }
}

/// The instructions that may run next within the function; at most two.
struct Successors {
    std::uint32_t at[2] = {};
    unsigned count = 0;
    void add(std::int64_t insn) { at[count++] = static_cast<std::uint32_t>(insn); }
};

Successors successors(std::span<const Insn> insns, std::uint32_t i) {
    const Insn& insn = insns[i];
    Successors next;
    const std::int64_t target = std::int64_t{i} + 1 + insn.jump_offset();
    if (insn.is_exit()) {
        return next;
    }
    if (insn.is_goto()) {
        next.add(target);
        return next;
    }
    next.add(std::int64_t{i} + insn.slots());
    if (insn.is_conditional_jump() || insn.is_may_goto()) {
        next.add(target);
    }
    return next;
}

}  // namespace

int Verifier::check_reachable() {
    std::vector<bool> reached(insns_.size());
    std::vector<std::uint32_t> open{0};
    reached[0] = true;
    const auto visit = [&](std::uint32_t i) {
        if (i < insns_.size() && !reached[i]) {
            reached[i] = true;
            open.push_back(i);
        }
    };
    while (!open.empty()) {
        const std::uint32_t i = open.back();
        open.pop_back();
        const Successors next = successors(insns_, i);
        for (unsigned k = 0; k < next.count; ++k) {
            visit(next.at[k]);
        }
        if (insns_[i].is_local_call()) {
            visit(static_cast<std::uint32_t>(std::int64_t{i} + 1 + insns_[i].imm));
        }
    }
    for (std::uint32_t i = 0; i < insns_.size(); ++i) {
        if (is_second_slot_[i]) {
            if (reached[i]) {
                say("jump into the middle of ldimm64 insn {}\n", i - 1);
                return -EINVAL;
            }
        } else if (!reached[i]) {
            say("unreachable insn {}\n", i);
            return -EINVAL;
        }
    }
    return 0;
}

void Verifier::mark_join_points() {
    for (std::uint32_t i = 0; i < insns_.size(); i += insns_[i].slots()) {
        const Insn& insn = insns_[i];
        if (insn.is_goto() || insn.is_conditional_jump()) {
            is_join_point_[static_cast<std::size_t>(std::int64_t{i} + 1 +
                                                    insn.jump_offset())] = true;
        }
        if (insn.is_local_call()) {
            is_join_point_[i + 1] = true;  // Paths through the callee meet again here.
        }
    }
}

/// Backwards over each function until nothing changes. A call's effects stay inside its function;
/// the callers' registers are asked for at their own return addresses.
void Verifier::find_live_registers() {
    bool changed = true;
    while (changed) {
        changed = false;
        for (std::size_t n = insns_.size(); n-- > 0;) {
            if (is_second_slot_[n]) {
                continue;
            }
            const auto i = static_cast<std::uint32_t>(n);
            const Effects effects = effects_of(insns_[i]);
            std::uint16_t after = 0;
            const Successors next = successors(insns_, i);
            for (unsigned k = 0; k < next.count; ++k) {
                after |= next.at[k] < insns_.size() ? live_before_[next.at[k]] : std::uint16_t{0};
            }
            const auto before = static_cast<std::uint16_t>((after & ~effects.writes) |
                                                           effects.reads);
            if (before != live_before_[i]) {
                live_before_[i] = before;
                changed = true;
            }
        }
    }
}

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// The program's shape: functions, jump targets, opcodes, 64-bit immediates. Nothing here follows
// values.
#include <algorithm>

#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

constexpr std::int64_t kDirectValueLimit = 1 << 29;

bool is_alu_op(std::uint8_t op, bool wide, bool uses_src) {
    if (op == BPF_NEG) {
        return !uses_src;
    }
    if (op == BPF_END) {
        return !(wide && uses_src);
    }
    return op <= BPF_END;
}

bool is_jump_op(const Insn& insn) {
    const bool wide = insn.cls() == BPF_JMP;
    switch (insn.op()) {
        case BPF_JA: return !insn.uses_src();
        case BPF_CALL:
        case BPF_EXIT:
        case BPF_JCOND: return wide && !insn.uses_src();
        default: return insn.op() <= BPF_JSLE;
    }
}

/// Opcodes that a program may have; the rest is unknown or the kernel's own.
bool is_known_opcode(const Insn& insn) {
    const bool is_dw = insn.size_code() == BPF_DW;
    switch (insn.cls()) {
        case BPF_ALU:
        case BPF_ALU64: return is_alu_op(insn.op(), insn.cls() == BPF_ALU64, insn.uses_src());
        case BPF_JMP:
        case BPF_JMP32: return is_jump_op(insn);
        case BPF_LDX: return insn.mode() == BPF_MEM || (insn.mode() == BPF_MEMSX && !is_dw);
        case BPF_ST: return insn.mode() == BPF_MEM;
        case BPF_STX: return insn.mode() == BPF_MEM || insn.mode() == BPF_ATOMIC;
        default:  // BPF_LD; ld_imm64 was asked before
            return (insn.mode() == BPF_ABS || insn.mode() == BPF_IND) && !is_dw;
    }
}

}  // namespace

int Verifier::find_functions() {
    std::set<std::uint32_t> firsts{0};
    for (std::uint32_t i = 0; i < insns_.size(); ++i) {
        // A call of kernel function 0 is what a loader leaves where it found none: fine as long as
        // no path comes there.
        const bool calls_kfunc = insns_[i].is_call() && insns_[i].src == BPF_PSEUDO_KFUNC_CALL &&
                                 (insns_[i].imm != 0 || insns_[i].off != 0);
        if (calls_kfunc) {
            say("calling kernel functions is not supported yet\n");
            return -EINVAL;
        }
        if (!insns_[i].is_local_call()) {
            continue;
        }
        const std::int64_t target = std::int64_t{i} + insns_[i].imm + 1;
        if (target < 0 || target >= static_cast<std::int64_t>(insns_.size())) {
            say("call to invalid destination\n");
            return -EINVAL;
        }
        firsts.insert(static_cast<std::uint32_t>(target));
    }
    if (firsts.size() > kMaxSubprograms) {
        say("too many subprograms\n");
        return -E2BIG;
    }
    for (const std::uint32_t first : firsts) {
        if (!functions_.empty()) {
            functions_.back().end = first;
        }
        functions_.push_back({first, static_cast<std::uint32_t>(insns_.size()), 0});
        if (log_.keeps_all_paths()) {
            say("func#{} @{}\n", functions_.size() - 1, first);
        }
    }
    return 0;
}

std::size_t Verifier::function_at(std::uint32_t insn) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < functions_.size(); ++i) {
        if (functions_[i].first <= insn) {
            found = i;
        }
    }
    return found;
}

int Verifier::check_jump_targets() {
    for (const FunctionInfo& function : functions_) {
        for (std::uint32_t i = function.first; i < function.end; ++i) {
            const Insn& insn = insns_[i];
            const bool jumps = insn.is_jump_class() && insn.op() != BPF_CALL &&
                               insn.op() != BPF_EXIT;
            const std::int64_t target = std::int64_t{i} + insn.jump_offset() + 1;
            if (jumps && (target < function.first || target >= function.end)) {
                say("jump out of range from insn {} to {}\n", i, target);
                return -EINVAL;
            }
        }
        const Insn& last = insns_[function.end - 1];
        if (!last.is_exit() && !(last.is_goto() && !last.uses_src())) {
            say("last insn is not an exit or jmp\n");
            return -EINVAL;
        }
    }
    return 0;
}

int Verifier::check_map_value_address(const Insn& low, const Insn& high) {
    const MapSpec& spec = map_spec(static_cast<std::uint32_t>(low.imm));
    const auto off = static_cast<std::uint32_t>(high.imm);
    if (off >= kDirectValueLimit) {
        say("direct value offset of {} is not allowed\n", off);
        return -EINVAL;
    }
    if (spec.type != BPF_MAP_TYPE_ARRAY) {
        say("no direct value access support for this map type\n");
        return -EINVAL;
    }
    if (spec.max_entries != 1 || off >= spec.value_size) {
        say("invalid access to map value pointer, value_size={} off={}\n", spec.value_size, off);
        return spec.max_entries != 1 ? -524 : -EINVAL;
    }
    return 0;
}

int Verifier::check_ld_imm64_slots(std::uint32_t index) {
    const Insn& low = insns_[index];
    const bool has_high = index + 1 < insns_.size();
    const Insn high = has_high ? insns_[index + 1] : Insn{};
    if (!has_high || high.opcode != 0 || high.dst != 0 || high.src != 0 || high.off != 0) {
        say("invalid bpf_ld_imm64 insn\n");
        return -EINVAL;
    }
    if (low.src == 0) {
        return 0;
    }
    const bool is_map = low.src == BPF_PSEUDO_MAP_FD && high.imm == 0;
    const bool is_value = low.src == BPF_PSEUDO_MAP_VALUE;
    if (!is_map && !is_value) {
        say("unrecognized bpf_ld_imm64 insn\n");
        return -EINVAL;
    }
    if (low.imm < 0 || static_cast<std::size_t>(low.imm) >= input_.maps.size()) {
        say("fd {} is not pointing to valid bpf_map\n", low.imm);
        return -EBADF;
    }
    return is_value ? check_map_value_address(low, high) : 0;
}

int Verifier::check_opcodes() {
    if (input_.maps.size() > kMaxMaps) {
        say("The total number of maps per program has reached the limit of {}\n", kMaxMaps);
        return -E2BIG;
    }
    for (std::uint32_t i = 0; i < insns_.size(); ++i) {
        const Insn& insn = insns_[i];
        if (insn.cls() == BPF_LDX &&
            (insn.imm != 0 || (insn.mode() != BPF_MEM && insn.mode() != BPF_MEMSX))) {
            say("BPF_LDX uses reserved fields\n");
            return -EINVAL;
        }
        if (insn.is_ld_imm64()) {
            if (const int err = check_ld_imm64_slots(i); err != 0) {
                return err;
            }
            is_second_slot_[++i] = true;
        } else if (!is_known_opcode(insn)) {
            say("unknown opcode {:02x}\n", insn.opcode);
            return -EINVAL;
        }
    }
    return 0;
}

int Verifier::check_structure() {
    for (const auto check : {&Verifier::find_functions, &Verifier::check_jump_targets,
                             &Verifier::check_opcodes, &Verifier::check_reachable}) {
        if (const int err = (this->*check)(); err != 0) {
            return err;
        }
    }
    mark_join_points();
    find_live_registers();
    return 0;
}

}  // namespace trapgate::bpf

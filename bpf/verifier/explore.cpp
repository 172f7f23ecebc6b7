// SPDX-License-Identifier: GPL-2.0-only
// All paths through the program, depth first: the current path runs until it ends, then the branch
// that was left last.
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

bool is_known_program_type(std::uint32_t type) {
    // Socket filters so far only without their packets: loaders probe the kernel with them.
    return type == BPF_PROG_TYPE_SOCKET_FILTER || type == BPF_PROG_TYPE_KPROBE ||
           type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_TRACEPOINT;
}

constexpr std::size_t kMaxInsns = 1'000'000;

}  // namespace

Verifier::Verifier(const VerifierInput& input)
    : input_(input),
      insns_(input.insns),
      log_(input.log_level),
      is_second_slot_(insns_.size()),
      is_join_point_(insns_.size() + 1),
      was_visited_(insns_.size()),
      live_before_(insns_.size()),
      call_map_(insns_.size(), -2) {}

int Verifier::push_branch(std::uint32_t target, std::uint32_t from, State state) {
    if (pending_.size() >= kMaxPending) {
        say("The sequence of {} jumps is too complex.\n", pending_.size());
        return -E2BIG;
    }
    if (parent_ >= 0) {
        ++seen_[static_cast<std::size_t>(parent_)].open_paths;
    }
    pending_.push_back({std::move(state), target, from, parent_, log_.size()});
    return 0;
}

bool Verifier::pop_branch() {
    if (pending_.empty()) {
        return false;
    }
    Pending next = std::move(pending_.back());
    pending_.pop_back();
    if (!log_.keeps_all_paths()) {
        log_.cut(next.log_size);
    }
    state_ = std::move(next.state);
    pc_ = next.insn;
    previous_pc_ = next.from;
    parent_ = next.parent;
    all_changed_ = true;
    begins_branch_ = true;
    return true;
}

int Verifier::step_exit(bool* path_ends) {
    const Insn& insn = insns_[pc_];
    if (insn.imm != 0 || insn.src != 0 || insn.dst != 0 || insn.off != 0) {
        say("BPF_EXIT uses reserved fields\n");
        return -EINVAL;
    }
    if (state_.frames.size() > 1) {
        return leave_function();
    }
    if (const int err = check_reference_leak("BPF_EXIT instruction in main prog"); err != 0) {
        return err;
    }
    if (const int err = check_readable(0); err != 0) {
        return err;
    }
    *path_ends = true;
    return 0;
}

int Verifier::step_jump_class(const Insn& insn, bool* path_ends) {
    if (insn.op() == BPF_CALL) {
        if (insn.off != 0 || insn.src > BPF_PSEUDO_KFUNC_CALL || insn.dst != 0) {
            say("BPF_CALL uses reserved fields\n");
            return -EINVAL;
        }
        if (insn.src == BPF_PSEUDO_KFUNC_CALL) {
            say("invalid kernel function call not eliminated in verifier pass\n");
            return -EINVAL;
        }
        return insn.is_local_call() ? enter_function(insn) : check_helper_call(insn);
    }
    if (insn.is_goto()) {
        const bool wide = insn.cls() == BPF_JMP;
        if (insn.src != 0 || insn.dst != 0 || (wide ? insn.imm != 0 : insn.off != 0)) {
            say("BPF_JA uses reserved fields\n");
            return -EINVAL;
        }
        pc_ = static_cast<std::uint32_t>(std::int64_t{pc_} + 1 + insn.jump_offset());
        return 0;
    }
    if (insn.is_exit()) {
        return step_exit(path_ends);
    }
    if (insn.is_may_goto()) {
        say("may_goto is not supported yet\n");
        return -EINVAL;
    }
    return check_conditional(insn);
}

/// One instruction. Leaves pc_ at the next one.
int Verifier::step(bool* path_ends) {
    const Insn& insn = insns_[pc_];
    int err = 0;
    switch (insn.cls()) {
        case BPF_ALU:
        case BPF_ALU64: err = check_alu(insn); break;
        case BPF_LDX: err = check_load(insn); break;
        case BPF_ST:
        case BPF_STX: err = check_store(insn); break;
        case BPF_LD:
            if (!insn.is_ld_imm64()) {
                say("BPF_LD_[ABS|IND] instructions not allowed for this program type\n");
                return -EINVAL;
            }
            err = check_load(insn);
            break;
        default: ++jumps_; return step_jump_class(insn, path_ends);
    }
    pc_ += insn.slots();
    return err;
}

int Verifier::explore() {
    State start;
    start.frames.resize(1);
    start.regs()[1] = RegState::pointer(RegType::Context);
    start.regs()[kFrameReg] = RegState::pointer(RegType::Stack);
    state_ = std::move(start);
    for (;;) {
        if (++processed_ > kMaxProcessed) {
            say("BPF program is too large. Processed {} insn\n", processed_);
            return -E2BIG;
        }
        bool path_ends = false;
        if (is_join_point_[pc_]) {
            if (const int err = visit_join_point(&path_ends); err != 0) {
                return err;
            }
            if (path_ends) {
                log_pruned();
            }
        }
        if (!path_ends) {
            log_insn();
            was_visited_[pc_] = true;
            const std::uint32_t at = pc_;
            if (const int err = step(&path_ends); err != 0) {
                return err;
            }
            previous_pc_ = at;
        }
        if (path_ends) {
            end_path();
            if (!pop_branch()) {
                return 0;
            }
        }
    }
}

VerifiedProgram Verifier::accepted_program() const {
    VerifiedProgram program;
    program.prog_type = input_.prog_type;
    program.insns.assign(insns_.begin(), insns_.end());
    // No path comes here, so its operands were never checked: it must not reach the JIT as it is.
    for (std::uint32_t i = 0; i < insns_.size(); i += insns_[i].slots()) {
        if (!was_visited_[i]) {
            for (std::uint32_t k = 0; k < insns_[i].slots(); ++k) {
                program.insns[i + k] = Insn{.opcode = BPF_JMP | BPF_JA, .off = -1};
            }
        }
    }
    program.insns_processed = processed_;
    program.reads_uninit_stack = reads_uninit_stack_;
    program.call_map = call_map_;
    for (std::int32_t& map : program.call_map) {
        map = map < 0 ? -1 : map;
    }
    for (const FunctionInfo& function : functions_) {
        program.function_stack[function.first] = function.stack_bytes;
        program.stack_bytes = std::max(program.stack_bytes, function.stack_bytes);
    }
    return program;
}

VerifierAnswer Verifier::run() {
    int err = 0;
    if (!is_known_program_type(input_.prog_type)) {
        say("program type {} is not supported yet\n", input_.prog_type);
        err = -EINVAL;
    } else if (insns_.empty() || insns_.size() > kMaxInsns) {
        err = -E2BIG;
    }
    const bool looked_inside = err == 0;
    if (err == 0) {
        err = check_structure();
    }
    if (err == 0) {
        err = explore();
    }
    if (err == 0) {
        err = check_stack_depth();
    }
    if (err == 0 && !log_.keeps_all_paths()) {
        log_.cut(0);
    }
    if (looked_inside) {
        log_statistics();
    }
    if (err != 0) {
        return {fail_errno(-err, "the verifier refuses the program"), log_.text()};
    }
    return {accepted_program(), log_.text()};
}

VerifierAnswer verify(const VerifierInput& input) { return Verifier(input).run(); }

}  // namespace trapgate::bpf

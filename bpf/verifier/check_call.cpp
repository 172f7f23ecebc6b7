// SPDX-License-Identifier: GPL-2.0-only
// Calls of helpers and of the program's own functions, and references.
#include <algorithm>

#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

/// Maps whose elements programs may look up, change and delete by key and value.
bool has_elements(std::uint32_t map_type) {
    switch (map_type) {
        case BPF_MAP_TYPE_HASH:
        case BPF_MAP_TYPE_ARRAY:
        case BPF_MAP_TYPE_PERCPU_HASH:
        case BPF_MAP_TYPE_PERCPU_ARRAY:
        case BPF_MAP_TYPE_LRU_HASH:
        case BPF_MAP_TYPE_LRU_PERCPU_HASH:
        case BPF_MAP_TYPE_LPM_TRIE: return true;
        default: return false;
    }
}

bool map_suits_helper(std::uint32_t map_type, std::uint32_t helper) {
    switch (helper) {
        case BPF_FUNC_map_lookup_elem:
        case BPF_FUNC_map_update_elem:
        case BPF_FUNC_map_delete_elem: return has_elements(map_type);
        case BPF_FUNC_ringbuf_output:
        case BPF_FUNC_ringbuf_reserve:
        case BPF_FUNC_ringbuf_query: return map_type == BPF_MAP_TYPE_RINGBUF;
        default: return false;
    }
}

bool writes_map(std::uint32_t helper) {
    return helper == BPF_FUNC_map_update_elem || helper == BPF_FUNC_map_delete_elem;
}

bool reads_string(std::uint32_t helper) {
    return helper == BPF_FUNC_probe_read_str || helper == BPF_FUNC_probe_read_kernel_str;
}

constexpr std::int64_t kMaxErrno = 4095;

}  // namespace

int Verifier::check_map_for_helper(const Insn& insn, const CallFacts& facts) {
    if (facts.map < 0) {
        return 0;
    }
    const auto helper = static_cast<std::uint32_t>(insn.imm);
    const MapSpec& spec = map_spec(static_cast<std::uint32_t>(facts.map));
    if (!map_suits_helper(spec.type, helper)) {
        say("cannot pass map_type {} into func {}#{}\n", spec.type, helper_name(helper), helper);
        return -EINVAL;
    }
    if (writes_map(helper) && (spec.map_flags & BPF_F_RDONLY_PROG) != 0) {
        say("write into map forbidden\n");
        return -EACCES;
    }
    if (helper == BPF_FUNC_map_lookup_elem) {
        const auto map = static_cast<std::int32_t>(facts.map);
        std::int32_t& known = call_map_[pc_];
        known = known == -2 || known == map ? map : -1;
    }
    return 0;
}

int Verifier::set_call_result(const Insn& insn, const CallFacts& facts) {
    for (unsigned reg_no = 0; reg_no <= 5; ++reg_no) {
        state_.regs()[reg_no] = {};
    }
    changed_regs_ |= 1;
    switch (facts.proto->ret) {
        case ReturnType::Void: return 0;
        case ReturnType::Integer: {
            Scalar s;
            if (reads_string(static_cast<std::uint32_t>(insn.imm))) {
                s.wide.smin = -kMaxErrno;
                s.wide.smax = facts.most_bytes;
                s.low.smin = static_cast<std::int32_t>(-kMaxErrno);
                s.low.smax = static_cast<std::int32_t>(facts.most_bytes);
                s.sync();
            }
            set_reg(0, RegState::scalar(s));
            return 0;
        }
        case ReturnType::MapValueOrNull: {
            RegState value = RegState::pointer(RegType::MapValue);
            value.map = static_cast<std::uint32_t>(facts.map);
            const MapSpec& spec = map_spec(value.map);
            value.or_null = !facts.const_key || *facts.const_key >= spec.max_entries;
            if (value.or_null) {
                value.id = new_id();
            }
            set_reg(0, value);
            return 0;
        }
        case ReturnType::RingRecordOrNull: {
            RegState record = RegState::pointer(RegType::RingMem);
            record.or_null = true;
            record.mem_size = static_cast<std::uint32_t>(facts.alloc_size);
            record.id = new_id();
            record.ref_id = record.id;
            state_.references.push_back({record.ref_id, pc_});
            set_reg(0, record);
            return 0;
        }
    }
    return 0;
}

int Verifier::check_helper_call(const Insn& insn) {
    const auto id = static_cast<std::uint32_t>(insn.imm);
    if (id >= helper_count()) {
        say("invalid func {}#{}\n", helper_name(id), insn.imm);
        return -EINVAL;
    }
    CallFacts facts;
    facts.proto = helper_for(id, input_.prog_type);
    if (facts.proto == nullptr) {
        say("program of this type cannot use helper {}#{}\n", helper_name(id), id);
        return -EINVAL;
    }
    if (facts.proto->gpl_only && !input_.gpl_compatible) {
        say("cannot call GPL-restricted function from non-GPL compatible program\n");
        return -EINVAL;
    }
    for (unsigned arg = 0; arg < 5; ++arg) {
        if (const int err = check_argument(arg, facts); err != 0) {
            return err;
        }
    }
    if (const int err = check_map_for_helper(insn, facts); err != 0) {
        return err;
    }
    for (const auto& [reg_no, bytes] : facts.written) {
        const RegState target = reg(reg_no);
        for (std::int64_t i = 0; i < bytes; ++i) {
            const int err = stack_write(reg_no, target.off + i, 1, -1, std::nullopt);
            if (err != 0) {
                return err;
            }
        }
    }
    if (facts.release_ref != 0) {
        if (const int err = release_reference(facts.release_ref); err != 0) {
            say("func {}#{} reference has not been acquired before\n", helper_name(id), id);
            return err;
        }
    }
    const int err = set_call_result(insn, facts);
    ++pc_;
    return err;
}

/// The reference and every pointer to its object are gone.
int Verifier::release_reference(std::uint32_t ref_id) {
    std::vector<Reference>& held = state_.references;
    const auto found = std::find_if(held.begin(), held.end(),
                                    [&](const Reference& r) { return r.id == ref_id; });
    if (found == held.end()) {
        return -EINVAL;
    }
    held.erase(found);
    state_.for_each_reg([&](RegState& r) {
        if (r.ref_id == ref_id) {
            r = RegState::unknown();
        }
    });
    return 0;
}

int Verifier::check_reference_leak(std::string_view what) {
    if (state_.references.empty()) {
        return 0;
    }
    for (const Reference& r : state_.references) {
        say("Unreleased reference id={} alloc_insn={}\n", r.id, r.insn);
    }
    say("{} would lead to reference leak\n", what);
    return -EINVAL;
}

int Verifier::enter_function(const Insn& insn) {
    if (state_.frames.size() >= kMaxFrames) {
        say("the call stack of {} frames is too deep !\n", state_.frames.size());
        return -E2BIG;
    }
    const auto target = static_cast<std::uint32_t>(std::int64_t{pc_} + 1 + insn.imm);
    Frame callee;
    callee.function = static_cast<std::uint32_t>(function_at(target));
    callee.call_site = pc_;
    for (unsigned reg_no = 1; reg_no <= 5; ++reg_no) {
        callee.regs[reg_no] = reg(reg_no);
    }
    callee.regs[kFrameReg] = RegState::pointer(RegType::Stack);
    callee.regs[kFrameReg].frame = static_cast<std::uint8_t>(state_.frames.size());
    for (unsigned reg_no = 0; reg_no <= 5; ++reg_no) {
        state_.regs()[reg_no] = {};
    }
    if (log_.keeps_all_paths()) {
        say("caller:\n");
        log_state(state_, true);
        say("callee:\n");
    }
    state_.frames.push_back(std::move(callee));
    if (log_.keeps_all_paths()) {
        log_state(state_, true);
    }
    all_changed_ = true;
    pc_ = target;
    return 0;
}

int Verifier::leave_function() {
    const RegState result = reg(0);  // May be nothing: a function without a result.
    if (result.type == RegType::Stack) {
        say("cannot return stack pointer to the caller\n");
        return -EINVAL;
    }
    if (log_.keeps_all_paths()) {
        say("returning from callee:\n");
        log_state(state_, true);
    }
    // No pointer into the frame that goes is left: none can be returned or stored in a caller's
    // stack.
    const std::uint32_t call_site = state_.top().call_site;
    state_.frames.pop_back();
    set_reg(0, result);
    begins_branch_ = true;  // Linux's log begins anew here.
    pc_ = call_site + 1;
    if (log_.keeps_all_paths()) {
        say("to caller at {}:\n", pc_);
        log_state(state_, true);
    }
    return 0;
}

}  // namespace trapgate::bpf

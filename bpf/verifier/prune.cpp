// SPDX-License-Identifier: GPL-2.0-only
// Pruning: a path may stop at a join point where an earlier state was fully explored and allows
// everything that the path's state allows. A state that is still being explored and equals the
// path's is a loop without progress.
#include <algorithm>
#include <map>

#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

/// States are kept where at least this much happened since the last one (Linux's own figures).
constexpr std::uint32_t kJumpsBetweenStates = 2;
constexpr std::uint32_t kInsnsBetweenStates = 8;
/// Misses per hit until a kept state is given up.
constexpr std::uint32_t kPatience = 3;
/// Inside a loop that is still running, states are worth keeping less often.
constexpr std::uint32_t kJumpsBetweenLoopStates = 20;
constexpr std::uint32_t kInsnsBetweenLoopStates = 100;

/// Ids are names: two states agree if one renaming maps the old state's to the new state's, one to
/// one.
class IdMap {
public:
    bool same(std::uint32_t old_id, std::uint32_t new_id) {
        if ((old_id == 0) != (new_id == 0)) {
            return false;
        }
        const auto [forward, fresh] = forward_.emplace(old_id, new_id);
        const auto [backward, fresh_back] = backward_.emplace(new_id, old_id);
        return forward->second == new_id && backward->second == old_id;
    }

private:
    std::map<std::uint32_t, std::uint32_t> forward_;
    std::map<std::uint32_t, std::uint32_t> backward_;
};

bool covers_pointer(const RegState& old_reg, const RegState& now, IdMap& ids) {
    return old_reg.or_null == now.or_null && old_reg.frame == now.frame && old_reg.off == now.off &&
           old_reg.map == now.map && old_reg.mem_size == now.mem_size &&
           old_reg.number.contains(now.number) && ids.same(old_reg.id, now.id) &&
           ids.same(old_reg.ref_id, now.ref_id);
}

bool covers_reg(const RegState& old_reg, const RegState& now, bool exact, IdMap& ids,
                const Origins& origins) {
    if (exact) {
        RegState renamed = now;
        renamed.id = old_reg.id;
        renamed.ref_id = old_reg.ref_id;
        renamed.origin = old_reg.origin;
        return old_reg == renamed && ids.same(old_reg.id, now.id) &&
               ids.same(old_reg.ref_id, now.ref_id);
    }
    if (old_reg.type == RegType::NotInit) {
        return true;
    }
    if (old_reg.type != now.type) {
        return false;
    }
    if (old_reg.is_scalar() && !origins.matters(old_reg.origin)) {
        return true;
    }
    if (old_reg.is_scalar()) {
        // An old scalar without an id was explored as independent of all others, which allows
        // equality too.
        return old_reg.number.contains(now.number) &&
               (old_reg.id == 0 || ids.same(old_reg.id, now.id));
    }
    return covers_pointer(old_reg, now, ids);
}

bool byte_is_zero(const StackSlot& slot, std::size_t byte) {
    return slot.bytes[byte] == StackByte::Zero ||
           (slot.bytes[byte] == StackByte::Spill && slot.spilled.is_zero());
}

/// A whole spilled number that does not matter.
bool is_free_number(const StackSlot& slot, const Origins& origins) {
    return slot.spill_bytes() == kSlotBytes && slot.spilled.is_scalar() &&
           !origins.matters(slot.spilled.origin);
}

/// Eight bytes of any number.
bool is_number(const StackSlot& slot) { return !slot.has_spill() || slot.spilled.is_scalar(); }

bool has_uninit_byte(const StackSlot& slot) {
    return std::find(slot.bytes.begin(), slot.bytes.end(), StackByte::Uninit) != slot.bytes.end();
}

/// `uninit` is set when bytes that the old state had written are not written now.
bool covers_slot(const StackSlot& old_slot, const StackSlot& now, bool exact, IdMap& ids,
                 const Origins& origins, bool* uninit) {
    if (!exact && is_free_number(old_slot, origins)) {
        *uninit = *uninit || has_uninit_byte(now);
        return is_number(now);
    }
    for (std::size_t i = 0; i < kSlotBytes; ++i) {
        const StackByte was = old_slot.bytes[i];
        const StackByte is = now.bytes[i];
        if (exact) {
            if (was != is) {
                return false;
            }
            continue;
        }
        // Old bytes that were unwritten or unknown were explored as any number. What is a pointer
        // now is, as any number, no way to memory.
        if (was == StackByte::Uninit) {
            continue;
        }
        if (was == StackByte::Misc) {
            *uninit = *uninit || is == StackByte::Uninit;
            continue;
        }
        if (was == StackByte::Zero ? !byte_is_zero(now, i) : is != StackByte::Spill) {
            return false;
        }
    }
    if (!old_slot.has_spill()) {
        return true;
    }
    return now.has_spill() && old_slot.spill_bytes() == now.spill_bytes() &&
           covers_reg(old_slot.spilled, now.spilled, exact, ids, origins);
}

bool covers_frame(const Frame& old_frame, const Frame& now, bool exact, IdMap& ids,
                  const Origins& origins, bool* uninit) {
    if (old_frame.function != now.function || old_frame.call_site != now.call_site) {
        return false;
    }
    for (std::size_t i = 0; i < kRegisters; ++i) {
        if (!covers_reg(old_frame.regs[i], now.regs[i], exact, ids, origins)) {
            return false;
        }
    }
    static const StackSlot kEmpty;
    const std::size_t slots = std::max(old_frame.stack.size(), now.stack.size());
    for (std::size_t i = 0; i < slots; ++i) {
        const StackSlot& was = i < old_frame.stack.size() ? old_frame.stack[i] : kEmpty;
        const StackSlot& is = i < now.stack.size() ? now.stack[i] : kEmpty;
        if (!covers_slot(was, is, exact, ids, origins, uninit)) {
            return false;
        }
    }
    return true;
}

bool covers_references(const State& old_state, const State& now, IdMap& ids) {
    if (old_state.references.size() != now.references.size()) {
        return false;
    }
    for (std::size_t i = 0; i < now.references.size(); ++i) {
        if (!ids.same(old_state.references[i].id, now.references[i].id)) {
            return false;
        }
    }
    return true;
}

}  // namespace

/// Registers that no path from `insn` reads any more say nothing.
void Verifier::forget_dead_registers(State& state, std::uint32_t insn) const {
    for (std::size_t f = state.frames.size(); f-- > 0;) {
        const std::uint16_t live = live_before_[insn];
        for (unsigned reg_no = 0; reg_no < kFrameReg; ++reg_no) {
            const bool comes_from_callee = reg_no == 0 && f + 1 < state.frames.size();
            if ((live >> reg_no & 1) == 0 || comes_from_callee) {
                state.frames[f].regs[reg_no] = {};
            }
        }
        insn = state.frames[f].call_site + 1;
    }
    // A scalar that is linked with nothing else needs no name.
    std::map<std::uint32_t, unsigned> uses;
    state.for_each_reg([&](RegState& r) { uses[r.id] += r.is_scalar() && r.id != 0; });
    state.for_each_reg([&](RegState& r) {
        if (r.is_scalar() && uses[r.id] == 1) {
            r.id = 0;
        }
    });
}

bool Verifier::covers(const State& old_state, const State& now, bool exact) {
    if (old_state.frames.size() != now.frames.size()) {
        return false;
    }
    IdMap ids;
    bool uninit = false;
    for (std::size_t i = 0; i < now.frames.size(); ++i) {
        if (!covers_frame(old_state.frames[i], now.frames[i], exact, ids, origins_, &uninit)) {
            return false;
        }
    }
    if (!covers_references(old_state, now, ids)) {
        return false;
    }
    reads_uninit_stack_ = reads_uninit_stack_ || (uninit && !exact);
    return true;
}

/// Says whether the current path can stop here, and keeps its state if that is worth it.
int Verifier::visit_join_point(bool* prune) {
    std::vector<std::uint32_t>& here = seen_at_[pc_];
    State now = state_;
    forget_dead_registers(now, pc_);
    bool loops = false;
    for (std::size_t k = 0; k < here.size();) {
        Seen& old = seen_[here[k]];
        if (old.open_paths > 0) {
            loops = true;
            if (covers(old.state, now, true)) {
                say("infinite loop detected at insn {}\ncur state:", pc_);
                log_state(state_, true);
                say("old state:");
                log_state(old.state, true);
                return -EINVAL;
            }
        } else if (covers(old.state, now, false)) {
            ++old.hits;
            mark_what_mattered(old.state, state_);
            *prune = true;
            return 0;
        }
        // States that never help make room, else a long loop compares with all its rounds. The tree
        // keeps their place.
        if (++old.misses > old.hits * kPatience + kPatience) {
            old.state = {};
            here.erase(here.begin() + static_cast<std::ptrdiff_t>(k));
            continue;
        }
        ++k;
    }
    const std::uint32_t jumps = jumps_ - jumps_at_state_;
    const std::uint32_t insns = processed_ - processed_at_state_;
    const bool much_happened = jumps >= kJumpsBetweenStates && insns >= kInsnsBetweenStates;
    const bool loop_state_is_due = jumps >= kJumpsBetweenLoopStates ||
                                   insns >= kInsnsBetweenLoopStates;
    if (!much_happened || (loops && !loop_state_is_due)) {
        return 0;
    }
    name_origins(state_);
    now = state_;
    forget_dead_registers(now, pc_);
    here.push_back(static_cast<std::uint32_t>(seen_.size()));
    seen_.push_back({std::move(now), parent_, 1, 0, 0});
    parent_ = static_cast<std::int32_t>(seen_.size() - 1);
    jumps_at_state_ = jumps_;
    processed_at_state_ = processed_;
    ++total_states_;
    max_states_per_insn_ = std::max(max_states_per_insn_, here.size());
    return 0;
}

/// From here on, what matters is asked of the numbers in this state.
void Verifier::name_origins(State& state) {
    state.for_each_reg([&](RegState& r) {
        if (r.is_scalar()) {
            r.origin = origins_.fresh(r.origin);
        }
    });
}

/// The rest of this path was walked before, from `old_state`: what mattered there matters here.
void Verifier::mark_what_mattered(const State& old_state, const State& now) {
    const auto pass_on = [&](const RegState& was, const RegState& is) {
        if (was.is_scalar() && is.is_scalar() && origins_.matters(was.origin)) {
            needs(is);
        }
    };
    for (std::size_t f = 0; f < now.frames.size(); ++f) {
        const Frame& was = old_state.frames[f];
        const Frame& is = now.frames[f];
        for (std::size_t i = 0; i < kRegisters; ++i) {
            pass_on(was.regs[i], is.regs[i]);
        }
        for (std::size_t i = 0; i < std::min(was.stack.size(), is.stack.size()); ++i) {
            if (!is.stack[i].has_spill()) {
                continue;
            }
            pass_on(was.stack[i].spilled, is.stack[i].spilled);
            const auto& bytes = was.stack[i].bytes;
            if (std::find(bytes.begin(), bytes.end(), StackByte::Zero) != bytes.end()) {
                needs(is.stack[i].spilled);  // It was taken for zeros.
            }
        }
    }
}

/// The current path is over: states that have no open path left are fully explored.
void Verifier::end_path() {
    for (std::int32_t at = parent_; at >= 0;) {
        Seen& seen = seen_[static_cast<std::size_t>(at)];
        if (--seen.open_paths != 0) {
            break;
        }
        at = seen.parent;
    }
}

}  // namespace trapgate::bpf

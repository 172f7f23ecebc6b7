// SPDX-License-Identifier: GPL-2.0-only
// The log's text, in the kernel's format (kernel/bpf/log.c of 6.12 and what 6.18 was seen to
// print).
#include "bpf/verifier/log.hpp"

#include <algorithm>

#include "bpf/disasm.hpp"
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

/// Column at which an instruction's "; R0=..." starts.
constexpr std::size_t kStateColumn = 40;
constexpr std::size_t kStateColumnStep = 8;

struct Bound {
    std::string_view name;
    std::uint64_t value;
    bool omit;
    [[nodiscard]] bool is_signed() const { return name[0] == 's'; }
};

/// A negative 32-bit bound as the kernel widens it: sign-extended only where it is printed in
/// decimal.
std::uint64_t widened(std::int32_t v) {
    const std::int64_t wide = v;
    const bool decimal = wide >= INT16_MIN && wide <= INT16_MAX;
    return decimal ? static_cast<std::uint64_t>(wide) : static_cast<std::uint32_t>(v);
}

std::string ranges_text(const Scalar& s, std::string_view* separator) {
    using W = Range<std::uint64_t>;
    using L = Range<std::uint32_t>;
    Bound bounds[] = {
        {"smin", static_cast<std::uint64_t>(s.wide.smin), s.wide.smin == W::kSMin},
        {"smax", static_cast<std::uint64_t>(s.wide.smax), s.wide.smax == W::kSMax},
        {"umin", s.wide.umin, s.wide.umin == 0},
        {"umax", s.wide.umax, s.wide.umax == W::kUMax},
        {"smin32", widened(s.low.smin), s.low.smin == L::kSMin},
        {"smax32", widened(s.low.smax), s.low.smax == L::kSMax},
        {"umin32", s.low.umin, s.low.umin == 0},
        {"umax32", s.low.umax, s.low.umax == L::kUMax},
    };
    std::string text;
    for (std::size_t i = 0; i < std::size(bounds); ++i) {
        const Bound& first = bounds[i];
        if (first.omit) {
            continue;
        }
        const bool negative = first.is_signed() && static_cast<std::int64_t>(first.value) < 0;
        text += fmt::format("{}{}=", *separator, first.name);
        *separator = ",";
        for (std::size_t k = i + 2; k < std::size(bounds); k += 2) {
            Bound& same = bounds[k];
            const bool other_sign = (same.is_signed() &&
                                     static_cast<std::int64_t>(same.value) < 0) != negative;
            if (same.omit || same.value != first.value || other_sign) {
                continue;
            }
            same.omit = true;
            text += fmt::format("{}=", same.name);
        }
        text += first.is_signed() ? signed_number_text(static_cast<std::int64_t>(first.value))
                                  : number_text(first.value);
    }
    return text;
}

char byte_letter(StackByte b) {
    switch (b) {
        case StackByte::Uninit: return '?';
        case StackByte::Spill: return 'r';
        case StackByte::Misc: return 'm';
        case StackByte::Zero: return '0';
    }
    return '?';
}

}  // namespace

std::string number_text(std::uint64_t v) {
    return v <= UINT16_MAX ? fmt::format("{}", v) : fmt::format("{:#x}", v);
}

std::string signed_number_text(std::int64_t v) {
    return v >= INT16_MIN && v <= INT16_MAX ? fmt::format("{}", v)
                                            : fmt::format("{:#x}", static_cast<std::uint64_t>(v));
}

std::string Verifier::type_text(RegType type, bool or_null) const {
    std::string_view name;
    switch (type) {
        case RegType::NotInit: name = "?"; break;
        case RegType::Scalar: name = "scalar"; break;
        case RegType::Context: name = "ctx"; break;
        case RegType::ConstMapPtr: name = "map_ptr"; break;
        case RegType::MapValue: name = "map_value"; break;
        case RegType::Stack: name = "fp"; break;
        case RegType::RingMem: name = "ringbuf_mem"; break;
    }
    return fmt::format("{}{}", name, or_null ? "_or_null" : "");
}

std::string Verifier::type_text(const RegState& r) const { return type_text(r.type, r.or_null); }

std::string Verifier::reg_text(const RegState& r, std::uint8_t frame) const {
    if (r.is_scalar() && r.number.is_const()) {
        return signed_number_text(static_cast<std::int64_t>(r.number.value()));
    }
    std::string text = type_text(r);
    if (r.type == RegType::Stack) {
        if (r.frame != frame) {
            text += fmt::format("[{}]", static_cast<int>(r.frame));
        }
        if (r.number.is_const()) {
            return text + signed_number_text(static_cast<std::int64_t>(r.number.value()) + r.off);
        }
    }
    std::string_view separator;
    std::string inner;
    const auto add = [&](std::string_view part) {
        inner += separator;
        inner += part;
        separator = ",";
    };
    if (r.id != 0) {
        add(fmt::format("id={}", r.id));
    }
    if (r.ref_id != 0) {
        add(fmt::format("ref_obj_id={}", r.ref_id));
    }
    if (r.type == RegType::ConstMapPtr || r.type == RegType::MapValue) {
        const MapSpec& spec = map_spec(r.map);
        if (!spec.name.empty()) {
            add(fmt::format("map={}", spec.name));
        }
        add(fmt::format("ks={},vs={}", spec.key_size, spec.value_size));
    }
    if (!r.is_scalar() && r.off != 0) {
        add("off=" + signed_number_text(r.off));
    }
    if (r.type == RegType::RingMem) {
        add("sz=" + number_text(r.mem_size));
    }
    if (r.number.is_const()) {
        if (r.number.value() != 0) {
            add("imm=" + signed_number_text(static_cast<std::int64_t>(r.number.value())));
        }
    } else {
        inner += ranges_text(r.number, &separator);
        if (!r.number.bits.is_unknown()) {
            add(fmt::format("var_off=({:#x}; {:#x})", r.number.bits.value, r.number.bits.mask));
        }
    }
    return text + "(" + inner + ")";
}

/// " R0=... fp-8=... refs=..." and a new line; only what changed unless `everything`.
void Verifier::log_state(const State& state, bool everything) {
    const Frame& frame = state.top();
    const auto frame_no = static_cast<std::uint8_t>(state.frames.size() - 1);
    if (frame_no != 0) {
        say(" frame{}:", static_cast<int>(frame_no));
    }
    for (unsigned i = 0; i < kRegisters; ++i) {
        const bool wanted = everything || (changed_regs_ >> i & 1) != 0;
        if (wanted && frame.regs[i].type != RegType::NotInit) {
            say(" R{}={}", i, reg_text(frame.regs[i], frame_no));
        }
    }
    for (std::size_t i = 0; i < frame.stack.size(); ++i) {
        const StackSlot& slot = frame.stack[i];
        const bool any = std::any_of(slot.bytes.begin(), slot.bytes.end(),
                                     [](StackByte b) { return b != StackByte::Uninit; });
        if (!any || (!everything && !changed_slots_.contains(i))) {
            continue;
        }
        std::string bytes;
        for (const StackByte b : slot.bytes) {
            if (slot.has_spill() && b == StackByte::Spill) {
                break;
            }
            bytes += byte_letter(b);
        }
        say(" fp{}={}{}", -static_cast<int>((i + 1) * kSlotBytes), bytes,
            slot.has_spill() ? reg_text(slot.spilled, frame_no) : "");
    }
    for (std::size_t i = 0; i < state.references.size(); ++i) {
        say("{}{}", i == 0 ? " refs=" : ",", state.references[i].id);
    }
    say("\n");
}

std::string Verifier::insn_text(std::uint32_t index) const {
    DisasmOptions options;
    options.pointer_text = [](const Insn& low, const Insn& high) {
        return low.src == BPF_PSEUDO_MAP_VALUE ? fmt::format("map_value[{}]+{}", low.imm, high.imm)
                                               : fmt::format("map[{}]", low.imm);
    };
    return disassemble(insns_, index, options);
}

/// Before an instruction is checked: what the one before changed (on its line, if nothing came
/// between; all of the state where a path begins), then its text.
void Verifier::log_insn() {
    if (!log_.follows_insns()) {
        return;
    }
    if (log_.keeps_all_paths() && begins_branch_) {
        say("\nfrom {} to {}:", previous_pc_, pc_);
        log_state(state_, true);
        begins_branch_ = false;
    }
    if (all_changed_ || changed_regs_ != 0 || !changed_slots_.empty()) {
        if (insn_log_end_ != 0 && log_.size() == insn_log_end_) {
            log_.cut(insn_log_end_ - 1);
            const std::size_t used = insn_log_end_ - 1 - insn_log_start_;
            std::size_t column = std::max(used + kStateColumnStep / 2, kStateColumn - 2);
            column = (column + kStateColumnStep - 1) / kStateColumnStep * kStateColumnStep;
            say("{:{}};", "", column - used - 2);
        } else {
            say("{}:", pc_);
        }
        log_state(state_, all_changed_);
    }
    all_changed_ = false;
    changed_regs_ = 0;
    changed_slots_.clear();
    insn_log_start_ = log_.size();
    say("{}: {}\n", pc_, insn_text(pc_));
    insn_log_end_ = log_.size();
}

void Verifier::log_pruned() {
    if (!log_.follows_insns()) {
        return;
    }
    if (begins_branch_) {
        say("\nfrom {} to {}: safe\n", previous_pc_, pc_);
    } else {
        say("{}: safe\n", pc_);
    }
}

void Verifier::log_statistics() {
    if (!log_.is_on()) {
        return;
    }
    if (log_.wants_statistics()) {
        std::string depths;
        for (const FunctionInfo& function : functions_) {
            depths += fmt::format("{}{}", depths.empty() ? "" : "+", function.stack_bytes);
        }
        say("stack depth {}\n", depths);
    }
    say("processed {} insns (limit {}) max_states_per_insn {} total_states {} peak_states {} "
        "mark_read 0\n",
        processed_, kMaxProcessed, max_states_per_insn_, total_states_, total_states_);
}

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
// The stack: what each byte holds. Reading bytes that were never written is allowed, as Linux
// allows it to privileged loaders; it is noted, and they read as zero when the program runs.
#include <algorithm>

#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

std::string tnum_text(Tnum t) {
    return t.is_const() ? number_text(t.value) : fmt::format("({:#x}; {:#x})", t.value, t.mask);
}

constexpr std::size_t kLast = kSlotBytes - 1;

/// Puts a register into the lowest `size` bytes of a slot.
void spill(StackSlot& slot, const RegState& value, std::uint32_t size) {
    slot.scrub();
    slot.spilled = value;
    for (std::size_t i = 0; i < kSlotBytes; ++i) {
        StackByte& byte = slot.bytes[kLast - i];
        if (i < size) {
            byte = StackByte::Spill;
        } else if (byte == StackByte::Zero) {
            byte = StackByte::Misc;  // Says less, never wrong.
        }
    }
}

}  // namespace

int Verifier::check_stack_bounds(unsigned reg_no, std::int64_t off, std::int64_t size,
                                 Access access, bool by_helper) {
    const RegState& r = reg(reg_no);
    const std::string_view what = by_helper                 ? " indirect access to"
                                  : access == Access::Write ? " write to"
                                                            : " read from";
    const Range<std::uint64_t>& range = r.number.wide;
    if (!r.number.is_const() && (range.smax >= kMaxVarOff || range.smin <= -kMaxVarOff)) {
        say("invalid unbounded variable-offset{} stack R{}\n", what, reg_no);
        return -EACCES;
    }
    const std::int64_t min = off + range.smin;
    const std::int64_t end = off + range.smax + size;
    if (min >= -kMaxStackBytes && min < 0 && end <= 0 && size >= 0) {
        state_.frames[r.frame].grow_stack(min);
        FunctionInfo& function = functions_[state_.frames[r.frame].function];
        function.stack_bytes = std::max(function.stack_bytes,
                                        static_cast<std::uint32_t>(-min + 7) & ~7U);
        return 0;
    }
    if (r.number.is_const()) {
        say("invalid{} stack R{} off={} size={}\n", what, reg_no, min, size);
    } else {
        say("invalid variable-offset{} stack R{} var_off={} off={} size={}\n", what, reg_no,
            tnum_text(r.number.bits), off, size);
    }
    return -EACCES;
}

int Verifier::stack_write_fixed(Frame& frame, bool is_callers, std::int64_t off, std::uint32_t size,
                                int value_reg, std::optional<std::int32_t> imm) {
    StackSlot& slot = frame.stack[slot_of(off)];
    const bool slot_start = off % kSlotBytes == 0;
    std::optional<RegState> value;
    if (value_reg >= 0) {
        value = reg(static_cast<unsigned>(value_reg));
    } else if (imm) {
        value = RegState::constant(static_cast<std::uint64_t>(std::int64_t{*imm}));
    }
    if (value && value->is_pointer()) {
        if (size != kSlotBytes) {
            say("invalid size of register spill\n");
            return -EACCES;
        }
        if (is_callers && value->type == RegType::Stack) {
            say("cannot spill pointers to stack into stack frame of the caller\n");
            return -EINVAL;
        }
        spill(slot, *value, size);
        return 0;
    }
    if (value && slot_start) {
        // The copy on the stack stays linked with its register as long as the number fits.
        RegState& source = value_reg >= 0 ? reg(static_cast<unsigned>(value_reg)) : *value;
        const bool fits = source.number.width() <= size * 8;
        if (value_reg >= 0 && fits && source.id == 0 && !source.number.is_const()) {
            source.id = new_id();
        }
        RegState copy = source;  // Whole, even where fewer bytes are stored: the load narrows it.
        copy.id = fits ? copy.id : 0;
        spill(slot, copy, size);
        return 0;
    }
    slot.scrub();
    const bool zero = value && value->is_zero();
    if (zero) {
        needs(*value);  // The bytes will count as zeros.
    }
    for (std::uint32_t i = 0; i < size; ++i) {
        slot.bytes[byte_of(off + i)] = zero ? StackByte::Zero : StackByte::Misc;
    }
    return 0;
}

/// A write of some bytes somewhere in [min, end): each may be written or keep what it was.
void Verifier::stack_write_anywhere(Frame& frame, std::int64_t min, std::int64_t end) {
    for (std::int64_t at = min; at < end; ++at) {
        StackSlot& slot = frame.stack[slot_of(at)];
        slot.scrub();
        StackByte& byte = slot.bytes[byte_of(at)];
        reads_uninit_stack_ = reads_uninit_stack_ || byte == StackByte::Uninit;
        byte = StackByte::Misc;
    }
}

int Verifier::stack_write(unsigned reg_no, std::int64_t off, std::uint32_t size, int value_reg,
                          std::optional<std::int32_t> imm) {
    const RegState address = reg(reg_no);
    Frame& frame = state_.frames[address.frame];
    const bool is_callers = address.frame + 1U != state_.frames.size();
    const Range<std::uint64_t>& range = address.number.wide;
    int err = 0;
    if (address.number.is_const()) {
        err = stack_write_fixed(frame, is_callers, off + range.smin, size, value_reg, imm);
    } else {
        stack_write_anywhere(frame, off + range.smin, off + range.smax + size);
    }
    for (std::int64_t at = off + range.smin; at < off + range.smax + size && !is_callers; ++at) {
        changed_slots_.insert(slot_of(at));
    }
    return err;
}

int Verifier::stack_read_bytes(Frame& frame, std::int64_t min, std::int64_t end, int value_reg,
                               std::uint32_t size) {
    bool all_zero = true;
    std::uint32_t origin = Origins::kNone;
    for (std::int64_t at = min; at < end; ++at) {
        const StackSlot& slot = frame.stack[slot_of(at)];
        const StackByte byte = slot.bytes[byte_of(at)];
        reads_uninit_stack_ = reads_uninit_stack_ || byte == StackByte::Uninit;
        const bool zero = byte == StackByte::Zero ||
                          (byte == StackByte::Spill && slot.spilled.is_zero());
        all_zero = all_zero && zero;
        if (byte == StackByte::Spill) {
            origin = origins_.join(origin, slot.spilled.origin);
        }
    }
    if (value_reg >= 0) {
        RegState value = all_zero ? RegState::constant(0)
                                  : RegState::scalar(Scalar::of_size(size, false));
        value.origin = all_zero ? origin : Origins::kNone;
        set_reg(static_cast<unsigned>(value_reg), value);
    }
    return 0;
}

int Verifier::stack_read_fixed(Frame& frame, std::int64_t off, std::uint32_t size, int value_reg) {
    if (&frame == &state_.top()) {
        changed_slots_.insert(slot_of(off));  // Linux's log shows it.
    }
    const StackSlot& slot = frame.stack[slot_of(off)];
    if (!slot.has_spill()) {
        return stack_read_bytes(frame, off, off + size, value_reg, size);
    }
    const auto spilled_bytes = static_cast<std::uint32_t>(slot.spill_bytes());
    if (size == kSlotBytes && spilled_bytes == kSlotBytes) {
        if (value_reg >= 0) {
            set_reg(static_cast<unsigned>(value_reg), slot.spilled);
        }
        return 0;
    }
    if (!slot.spilled.is_scalar()) {
        say("invalid size of register fill\n");
        return -EACCES;
    }
    if (size <= spilled_bytes && off % kSlotBytes == 0) {
        RegState copy = slot.spilled;
        if (copy.number.width() > size * 8) {
            copy.id = 0;
        }
        if (value_reg >= 0) {
            set_reg(static_cast<unsigned>(value_reg), copy);
        }
        return 0;
    }
    return stack_read_bytes(frame, off, off + size, value_reg, size);
}

int Verifier::stack_read(unsigned reg_no, std::int64_t off, std::uint32_t size, int value_reg) {
    const RegState address = reg(reg_no);
    Frame& frame = state_.frames[address.frame];
    const Range<std::uint64_t>& range = address.number.wide;
    if (address.number.is_const()) {
        return stack_read_fixed(frame, off + range.smin, size, value_reg);
    }
    return stack_read_bytes(frame, off + range.smin, off + range.smax + size, value_reg, size);
}

/// Stack memory handed to a helper, `size` bytes at most.
int Verifier::check_helper_stack(unsigned reg_no, std::int64_t size, bool zero_allowed,
                                 Access access) {
    if (size == 0 && !zero_allowed) {
        say("invalid zero-sized read\n");
        return -EACCES;
    }
    const RegState address = reg(reg_no);
    if (const int err = check_stack_bounds(reg_no, address.off, size, access, true); err != 0) {
        return err;
    }
    Frame& frame = state_.frames[address.frame];
    const std::int64_t min = address.off + address.number.wide.smin;
    const std::int64_t end = address.off + address.number.wide.smax + size;
    if (access == Access::Write) {
        stack_write_anywhere(frame, min, end);
        return 0;
    }
    return stack_read_bytes(frame, min, end, -1, static_cast<std::uint32_t>(size));
}

}  // namespace trapgate::bpf

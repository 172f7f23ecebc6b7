// SPDX-License-Identifier: GPL-2.0-only
// Arguments of helpers against their prototypes.
#include <algorithm>

#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

struct Expectation {
    std::vector<RegType> types;
    std::string_view text;
    bool null_ok = false;
};

/// Linux lists all types that an argument may have, including some that no register here has.
Expectation expectation(ArgType type) {
    using T = RegType;
    constexpr std::string_view
        kMemory = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";
    switch (type) {
        case ArgType::ConstMapPtr: return {{T::ConstMapPtr}, "map_ptr"};
        case ArgType::Context: return {{T::Context}, "ctx"};
        case ArgType::RingRecord: return {{T::RingMem}, "ringbuf_mem"};
        case ArgType::ConstSize:
        case ArgType::ConstSizeOrZero:
        case ArgType::ConstAllocSize: return {{T::Scalar}, "scalar"};
        case ArgType::MapKey:
        case ArgType::MapValue:
        case ArgType::Mem:
        case ArgType::UninitMem:
        case ArgType::MemOrNull:
            return {{T::Stack, T::MapValue, T::RingMem}, kMemory, type == ArgType::MemOrNull};
        default: return {};
    }
}

}  // namespace

int Verifier::check_argument_type(unsigned reg_no, ArgType type) {
    const RegState& r = reg(reg_no);
    const Expectation expected = expectation(type);
    if (expected.types.empty()) {
        return 0;
    }
    if (expected.null_ok && r.is_zero()) {
        needs(r);
        return 0;
    }
    const bool right_type = std::find(expected.types.begin(), expected.types.end(), r.type) !=
                            expected.types.end();
    if (right_type && !r.or_null) {
        return 0;
    }
    say("R{} type={} expected={}\n", reg_no, type_text(r), expected.text);
    return -EACCES;
}

int Verifier::check_helper_memory(unsigned reg_no, std::int64_t size, bool zero_allowed,
                                  Access access, CallFacts* facts) {
    const RegState r = reg(reg_no);
    switch (r.type) {
        case RegType::Stack: {
            // Memory that the helper fills completely counts as written afterwards.
            const bool fills = facts != nullptr && access == Access::Write && r.number.is_const();
            if (!fills) {
                return check_helper_stack(reg_no, size, zero_allowed, access);
            }
            if (size == 0 && !zero_allowed) {
                say("invalid zero-sized read\n");
                return -EACCES;
            }
            facts->written.emplace_back(reg_no, size);
            return check_stack_bounds(reg_no, r.off, size, access, true);
        }
        case RegType::MapValue:
            if (const int err = check_map_access_kind(r, r.off, static_cast<std::uint32_t>(size),
                                                      access);
                err != 0) {
                return err;
            }
            return check_region(reg_no, r.off, size, map_spec(r.map).value_size, zero_allowed);
        case RegType::RingMem: return check_region(reg_no, r.off, size, r.mem_size, zero_allowed);
        default:
            if (zero_allowed && size == 0 && r.is_zero()) {
                needs(r);
                return 0;
            }
            say("R{} type={} expected=fp, pkt, pkt_meta, map_key, map_value\n", reg_no,
                type_text(r));
            return -EACCES;
    }
}

int Verifier::check_size_argument(unsigned reg_no, CallFacts& facts, ArgType mem_type,
                                  bool zero_allowed) {
    const Scalar n = reg(reg_no).number;
    needs(reg(reg_no));
    if (n.wide.smin < 0) {
        say("R{} min value is negative, either use unsigned or 'var &= const'\n", reg_no);
        return -EACCES;
    }
    if (n.wide.umin == 0 && !zero_allowed) {
        say("R{} invalid zero-sized read: u64=[{},{}]\n", reg_no, n.wide.umin, n.wide.umax);
        return -EACCES;
    }
    if (n.wide.umax >= kMaxVarSize) {
        say("R{} unbounded memory access, use 'var &= const' or 'if (var < const)'\n", reg_no);
        return -EACCES;
    }
    facts.most_bytes = static_cast<std::int64_t>(n.wide.umax);
    const Access access = mem_type == ArgType::UninitMem ? Access::Write : Access::Read;
    return check_helper_memory(reg_no - 1, facts.most_bytes, zero_allowed, access,
                               n.is_const() ? &facts : nullptr);
}

/// The number that key_size bytes of stack surely hold.
std::optional<std::uint64_t> Verifier::constant_key(const RegState& r, std::uint32_t key_size) {
    if (r.type != RegType::Stack || !r.number.is_const()) {
        return std::nullopt;
    }
    const std::int64_t off = r.off + static_cast<std::int64_t>(r.number.value());
    const StackSlot& slot = state_.frames[r.frame].stack[slot_of(off)];
    bool all_zero = true;
    for (std::uint32_t i = 0; i < key_size; ++i) {
        const StackSlot& at = state_.frames[r.frame].stack[slot_of(off + i)];
        all_zero = all_zero && at.bytes[byte_of(off + i)] == StackByte::Zero;
    }
    if (all_zero) {
        return 0;
    }
    const bool exact_spill = slot.has_spill() && off % kSlotBytes == 0 &&
                             slot.spill_bytes() == static_cast<int>(key_size);
    if (!exact_spill || !slot.spilled.is_scalar() || !slot.spilled.number.is_const()) {
        return std::nullopt;
    }
    needs(slot.spilled);
    return slot.spilled.number.value();
}

int Verifier::check_argument(unsigned arg, CallFacts& facts) {
    const ArgType type = facts.proto->args[arg];
    const unsigned reg_no = arg + 1;
    if (type == ArgType::None) {
        return 0;
    }
    if (const int err = check_readable(reg_no); err != 0) {
        return err;
    }
    if (const int err = check_argument_type(reg_no, type); err != 0) {
        return err;
    }
    const RegState r = reg(reg_no);
    const bool needs_map = type == ArgType::MapKey || type == ArgType::MapValue;
    if (needs_map && facts.map < 0) {
        say("invalid map_ptr to access map->{}\n", type == ArgType::MapKey ? "key" : "value");
        return -EACCES;
    }
    switch (type) {
        case ArgType::ConstMapPtr: facts.map = r.map; return 0;
        case ArgType::MapKey: {
            const MapSpec& spec = map_spec(static_cast<std::uint32_t>(facts.map));
            const int err = check_helper_memory(reg_no, spec.key_size, false, Access::Read,
                                                nullptr);
            if (err == 0 && spec.type == BPF_MAP_TYPE_ARRAY) {
                facts.const_key = constant_key(r, spec.key_size);
            }
            return err;
        }
        case ArgType::MapValue:
            return check_helper_memory(reg_no,
                                       map_spec(static_cast<std::uint32_t>(facts.map)).value_size,
                                       false, Access::Read, nullptr);
        case ArgType::ConstSize:
            return check_size_argument(reg_no, facts, facts.proto->args[arg - 1], false);
        case ArgType::ConstSizeOrZero:
            return check_size_argument(reg_no, facts, facts.proto->args[arg - 1], true);
        case ArgType::ConstAllocSize:
            if (!r.number.is_const()) {
                say("R{} is not a known constant'\n", reg_no);
                return -EACCES;
            }
            if (r.number.value() > std::numeric_limits<std::int32_t>::max()) {
                say("R{} unbounded memory access, use 'var &= const' or 'if (var < const)'\n",
                    reg_no);
                return -EACCES;
            }
            needs(r);
            facts.alloc_size = static_cast<std::int64_t>(r.number.value());
            return 0;
        case ArgType::RingRecord:
            if (r.off != 0 || !r.number.is_zero()) {
                say("R{} must have zero offset when passed to release func or trusted arg to "
                    "kfunc\n",
                    reg_no);
                return -EINVAL;
            }
            if (r.ref_id == 0) {
                say("R{} must be referenced when passed to release function\n", reg_no);
                return -EINVAL;
            }
            facts.release_ref = r.ref_id;
            return 0;
        default: return 0;
    }
}

}  // namespace trapgate::bpf

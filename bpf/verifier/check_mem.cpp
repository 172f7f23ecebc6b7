// SPDX-License-Identifier: GPL-2.0-only
// Loads, stores and atomics: is the pointer one to memory, and is every address it may hold inside?
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

/// sizeof(struct pt_regs) on x86-64.
constexpr std::int64_t kPtRegsBytes = 168;
/// MAX_BPF_FUNC_ARGS arguments of a raw tracepoint.
constexpr std::int64_t kRawTracepointBytes = 12 * 8;
/// A tracepoint's record: its first 8 bytes are the kernel's own; PERF_MAX_TRACE_SIZE ends it.
constexpr std::int64_t kTracepointFirst = 8;
constexpr std::int64_t kTracepointBytes = 8192;

bool context_read_ok(std::uint32_t prog_type, std::int64_t off, std::int64_t size) {
    if (off < 0 || off % size != 0) {
        return false;
    }
    switch (prog_type) {
        case BPF_PROG_TYPE_KPROBE: return off + size <= kPtRegsBytes;
        case BPF_PROG_TYPE_RAW_TRACEPOINT: return off + size <= kRawTracepointBytes;
        case BPF_PROG_TYPE_TRACEPOINT:
            return off >= kTracepointFirst && off + size <= kTracepointBytes;
        default: return false;
    }
}

std::string tnum_text(Tnum t) {
    return t.is_const() ? number_text(t.value) : fmt::format("({:#x}; {:#x})", t.value, t.mask);
}

}  // namespace

int Verifier::check_alignment(const RegState& r, std::int64_t off, std::uint32_t size,
                              bool is_atomic) {
    // Spills are tracked by whole slots, so the stack wants alignment always.
    const bool strict = r.type == RegType::Stack || is_atomic ||
                        (input_.prog_flags & BPF_F_STRICT_ALIGNMENT) != 0;
    if (!strict || size == 1) {
        return 0;
    }
    const Tnum address = r.number.bits.add(
        Tnum::constant(static_cast<std::uint64_t>(std::int64_t{r.off} + off)));
    if (!address.is_aligned(size)) {
        const std::string_view kind = r.type == RegType::Stack      ? "stack "
                                      : r.type == RegType::Context  ? "context "
                                      : r.type == RegType::MapValue ? "value "
                                                                    : "";
        say("misaligned {}access off {}+{}+{} size {}\n", kind, tnum_text(r.number.bits), r.off,
            off, size);
        return -EACCES;
    }
    return 0;
}

int Verifier::check_region_bounds(unsigned reg_no, std::int64_t off, std::int64_t size,
                                  std::int64_t mem_size, bool zero_allowed) {
    const bool size_ok = size > 0 || (size == 0 && zero_allowed);
    if (off >= 0 && size_ok && off + size <= mem_size) {
        return 0;
    }
    if (reg(reg_no).type == RegType::MapValue) {
        say("invalid access to map value, value_size={} off={} size={}\n", mem_size, off, size);
    } else {
        say("invalid access to memory, mem_size={} off={} size={}\n", mem_size, off, size);
    }
    return -EACCES;
}

/// `off` includes the pointer's fixed part; its variable part is tried at both ends.
int Verifier::check_region(unsigned reg_no, std::int64_t off, std::int64_t size,
                           std::int64_t mem_size, bool zero_allowed) {
    const Range<std::uint64_t> range = reg(reg_no).number.wide;
    if (range.smin < 0 && (range.smin < -kMaxVarOff || off + range.smin < 0)) {
        say("R{} min value is negative, either use unsigned index or do a if (index >=0) check.\n",
            reg_no);
        return -EACCES;
    }
    // smin is at most kMaxVarOff here: pointer arithmetic made sure.
    if (range.smin > kMaxVarOff ||
        check_region_bounds(reg_no, off + range.smin, size, mem_size, zero_allowed) != 0) {
        say("R{} min value is outside of the allowed memory range\n", reg_no);
        return -EACCES;
    }
    if (range.umax >= static_cast<std::uint64_t>(kMaxVarOff)) {
        say("R{} unbounded memory access, make sure to bounds check any such access\n", reg_no);
        return -EACCES;
    }
    if (check_region_bounds(reg_no, off + static_cast<std::int64_t>(range.umax), size, mem_size,
                            zero_allowed) != 0) {
        say("R{} max value is outside of the allowed memory range\n", reg_no);
        return -EACCES;
    }
    return 0;
}

int Verifier::check_map_access_kind(const RegState& r, std::int64_t off, std::uint32_t size,
                                    Access access) {
    const MapSpec& spec = map_spec(r.map);
    if (access == Access::Write && (spec.map_flags & BPF_F_RDONLY_PROG) != 0) {
        say("write into map forbidden, value_size={} off={} size={}\n", spec.value_size, off, size);
        return -EACCES;
    }
    if (access == Access::Read && (spec.map_flags & BPF_F_WRONLY_PROG) != 0) {
        say("read from map forbidden, value_size={} off={} size={}\n", spec.value_size, off, size);
        return -EACCES;
    }
    return 0;
}

int Verifier::check_context_access(unsigned reg_no, std::int64_t off, std::uint32_t size,
                                   Access access) {
    const RegState& r = reg(reg_no);
    if (r.off < 0) {
        say("negative offset ctx ptr R{} off={} disallowed\n", reg_no, r.off);
        return -EACCES;
    }
    if (r.off != 0) {
        say("dereference of modified ctx ptr R{} off={} disallowed\n", reg_no, r.off);
        return -EACCES;
    }
    if (!r.number.is_zero()) {
        say("variable ctx access var_off={} disallowed\n", tnum_text(r.number.bits));
        return -EACCES;
    }
    if (access == Access::Write || !context_read_ok(input_.prog_type, off, size)) {
        say("invalid bpf_context access off={} size={}\n", off, size);
        return -EACCES;
    }
    return 0;
}

/// Context loads may be rewritten by type, so one instruction must not see a context on one path
/// and memory on another.
int Verifier::remember_pointer_type(RegType type) {
    const auto [found, fresh] = pointer_type_at_.emplace(pc_, type);
    const bool mixes = found->second != type &&
                       (type == RegType::Context || found->second == RegType::Context);
    if (mixes) {
        say("same insn cannot be used with different pointers\n");
        return -EINVAL;
    }
    return 0;
}

int Verifier::check_access(unsigned reg_no, std::int32_t insn_off, std::uint32_t size,
                           Access access, int value_reg, std::optional<std::int32_t> imm,
                           bool is_signed, bool is_atomic) {
    const RegState r = reg(reg_no);
    if (const int err = check_alignment(r, insn_off, size, is_atomic); err != 0) {
        return err;
    }
    const std::int64_t off = std::int64_t{insn_off} + r.off;
    const bool loads = access == Access::Read && value_reg >= 0;
    int err = 0;
    if (r.or_null) {
        err = -EACCES;
    } else if (r.type == RegType::MapValue) {
        err = check_map_access_kind(r, off, size, access);
        if (err == 0) {
            err = check_region(reg_no, off, size, map_spec(r.map).value_size, false);
        }
    } else if (r.type == RegType::RingMem) {
        err = check_region(reg_no, off, size, r.mem_size, false);
    } else if (r.type == RegType::Context) {
        err = check_context_access(reg_no, insn_off, size, access);
    } else if (r.type == RegType::Stack) {
        err = check_stack_bounds(reg_no, off, size, access, false);
        if (err != 0) {
            return err;
        }
        err = access == Access::Write ? stack_write(reg_no, off, size, value_reg, imm)
                                      : stack_read(reg_no, off, size, value_reg);
        if (err == 0 && loads && size < 8 && reg(static_cast<unsigned>(value_reg)).is_scalar()) {
            RegState narrowed = reg(static_cast<unsigned>(value_reg));
            if (is_signed) {
                narrowed.number.sign_extend(size);
                narrowed.id = 0;
            } else {
                narrowed.number.zero_extend(size);
            }
            set_reg(static_cast<unsigned>(value_reg), narrowed);
        }
        return err;
    }
    const bool is_memory = r.type == RegType::MapValue || r.type == RegType::RingMem ||
                           r.type == RegType::Context;
    if (r.or_null || !is_memory) {
        say("R{} invalid mem access '{}'\n", reg_no, type_text(r));
        return -EACCES;
    }
    if (err == 0 && loads) {
        set_reg(static_cast<unsigned>(value_reg),
                RegState::scalar(Scalar::of_size(size, is_signed)));
    }
    return err;
}

int Verifier::check_load(const Insn& insn) {
    if (insn.cls() == BPF_LD) {
        if (insn.off != 0) {
            say("BPF_LD_IMM64 uses reserved fields\n");
            return -EINVAL;
        }
        if (const int err = check_writable(insn.dst); err != 0) {
            return err;
        }
        const Insn& high = insns_[pc_ + 1];
        if (insn.src == 0) {
            set_reg(insn.dst, RegState::constant(imm64(insn, high)));
            return 0;
        }
        const bool is_value = insn.src == BPF_PSEUDO_MAP_VALUE;
        RegState pointer = RegState::pointer(is_value ? RegType::MapValue : RegType::ConstMapPtr);
        pointer.map = static_cast<std::uint32_t>(insn.imm);
        pointer.off = is_value ? high.imm : 0;
        set_reg(insn.dst, pointer);
        return 0;
    }
    if (const int err = check_readable(insn.src); err != 0) {
        return err;
    }
    if (const int err = check_writable(insn.dst); err != 0) {
        return err;
    }
    const RegType type = reg(insn.src).type;
    if (const int err = check_access(insn.src, insn.off, insn.access_bytes(), Access::Read,
                                     insn.dst, std::nullopt, insn.mode() == BPF_MEMSX);
        err != 0) {
        return err;
    }
    return remember_pointer_type(type);
}

int Verifier::check_store(const Insn& insn) {
    if (insn.is_atomic()) {
        return check_atomic(insn);
    }
    const bool is_reg = insn.cls() == BPF_STX;
    if (is_reg ? insn.imm != 0 : insn.src != 0) {
        say("{} uses reserved fields\n", is_reg ? "BPF_STX" : "BPF_ST");
        return -EINVAL;
    }
    if (is_reg) {
        if (const int err = check_readable(insn.src); err != 0) {
            return err;
        }
    }
    if (const int err = check_readable(insn.dst); err != 0) {
        return err;
    }
    const RegType type = reg(insn.dst).type;
    const int err = is_reg ? check_access(insn.dst, insn.off, insn.access_bytes(), Access::Write,
                                          insn.src)
                           : check_access(insn.dst, insn.off, insn.access_bytes(), Access::Write,
                                          -1, insn.imm);
    return err != 0 ? err : remember_pointer_type(type);
}

int Verifier::check_atomic_update(const Insn& insn) {
    if (insn.access_bytes() < 4) {
        say("invalid atomic operand size\n");
        return -EINVAL;
    }
    const bool compares = insn.imm == BPF_CMPXCHG;
    const bool fetches = compares || (insn.imm & BPF_FETCH) != 0;
    for (const unsigned reg_no : {unsigned{insn.src}, unsigned{insn.dst}}) {
        if (const int err = check_readable(reg_no); err != 0) {
            return err;
        }
    }
    if (compares) {
        if (const int err = check_readable(0); err != 0) {
            return err;
        }
    }
    if (reg(insn.dst).type == RegType::Context) {
        say("BPF_ATOMIC stores into R{} {} is not allowed\n", insn.dst, type_text(reg(insn.dst)));
        return -EACCES;
    }
    const unsigned result = compares ? 0U : unsigned{insn.src};
    if (fetches) {
        if (const int err = check_writable(result); err != 0) {
            return err;
        }
    }
    const RegState address = reg(insn.dst);
    const std::uint32_t size = insn.access_bytes();
    int err = check_access(insn.dst, insn.off, size, Access::Read, -1, std::nullopt, false, true);
    if (err != 0) {
        return err;
    }
    std::optional<RegState> loaded;
    if (fetches) {
        err = check_access(insn.dst, insn.off, size, Access::Read, static_cast<int>(result),
                           std::nullopt, false, true);
        if (err != 0) {
            return err;
        }
        loaded = reg(result);
        set_reg(insn.dst, address);
    }
    err = check_access(insn.dst, insn.off, size, Access::Write, -1, std::nullopt, false, true);
    if (err != 0 || !loaded) {
        return err;
    }
    set_reg(result, *loaded);
    if (result == insn.dst) {
        // Linux asks about the write only now, with the loaded number for an address, and so never
        // accepts this.
        say("R{} invalid mem access 'scalar'\n", insn.dst);
        return -EACCES;
    }
    return 0;
}

int Verifier::check_atomic(const Insn& insn) {
    switch (insn.imm) {
        case BPF_ADD:
        case BPF_ADD | BPF_FETCH:
        case BPF_AND:
        case BPF_AND | BPF_FETCH:
        case BPF_OR:
        case BPF_OR | BPF_FETCH:
        case BPF_XOR:
        case BPF_XOR | BPF_FETCH:
        case BPF_XCHG:
        case BPF_CMPXCHG: return check_atomic_update(insn);
        case BPF_LOAD_ACQ:
        case BPF_STORE_REL: break;
        default: say("BPF_ATOMIC uses invalid atomic opcode {:02x}\n", insn.imm); return -EINVAL;
    }
    const bool loads = insn.imm == BPF_LOAD_ACQ;
    const unsigned address = loads ? unsigned{insn.src} : unsigned{insn.dst};
    for (const unsigned reg_no :
         {unsigned{insn.src}, loads ? unsigned{insn.src} : unsigned{insn.dst}}) {
        if (const int err = check_readable(reg_no); err != 0) {
            return err;
        }
    }
    if (loads) {
        if (const int err = check_writable(insn.dst); err != 0) {
            return err;
        }
    }
    if (reg(address).type == RegType::Context) {
        say("BPF_ATOMIC {} R{} {} is not allowed\n", loads ? "loads from" : "stores into", address,
            type_text(reg(address)));
        return -EACCES;
    }
    return check_access(address, insn.off, insn.access_bytes(),
                        loads ? Access::Read : Access::Write, loads ? insn.dst : insn.src,
                        std::nullopt, false, true);
}

}  // namespace trapgate::bpf

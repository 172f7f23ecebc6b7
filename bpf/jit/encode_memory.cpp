// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/jit/encoder.hpp"

namespace trapgate::bpf::jit {

Result<void> Encoder::load(const Insn& insn) {
    const std::uint32_t bytes = insn.access_bytes();
    const bool sign_extends = insn.mode() == BPF_MEMSX;
    if ((insn.mode() != BPF_MEM && !sign_extends) || (sign_extends && bytes == 8)) {
        return fail("unknown load");
    }
    x_.load(bytes, sign_extends, x64_reg(insn.dst), {x64_reg(insn.src), insn.off});
    return {};
}

Result<void> Encoder::load_imm64(std::uint32_t index) {
    const Insn& low = insns_[index];
    const Insn& high = insns_[index + 1];
    const Gpr dst = x64_reg(low.dst);
    if (low.src == 0) {
        x_.mov_imm(dst, imm64(low, high));
        return {};
    }
    const auto map_index = static_cast<std::uint32_t>(low.imm);
    if (map_index >= input_.maps.size()) {
        return unsupported(index);
    }
    const JitMap& map = input_.maps[map_index];
    if (low.src == BPF_PSEUDO_MAP_FD) {
        x_.mov_imm(dst, map.handle);
    } else if (low.src == BPF_PSEUDO_MAP_VALUE && map.value_va != 0) {
        x_.mov_imm(dst, map.value_va + static_cast<std::uint32_t>(high.imm));
    } else {
        return unsupported(index);
    }
    return {};
}

void Encoder::store(const Insn& insn) {
    const X64Mem to{x64_reg(insn.dst), insn.off};
    if (insn.cls() == BPF_ST) {
        x_.store_imm(insn.access_bytes(), to, insn.imm);
    } else {
        x_.store(insn.access_bytes(), to, x64_reg(insn.src));
    }
}

/// src = exchange of *to with (*to op src). x86 has this for addition only, so: compare and try
/// again.
void Encoder::atomic_fetch_loop(const Insn& insn, X64Alu op) {
    const bool w = insn.access_bytes() == 8;
    const Gpr src = x64_reg(insn.src);
    X64Mem to{x64_reg(insn.dst), insn.off};
    x_.mov(true, Gpr::R10, src);
    x_.mov(true, Gpr::R9, Gpr::Rax);
    if (to.base == Gpr::Rax) {
        to.base = Gpr::R9;
    }
    x_.load(insn.access_bytes(), false, Gpr::Rax, to);
    const std::uint32_t again = x_.size();
    x_.mov(true, Gpr::R11, Gpr::Rax);
    x_.alu(w, op, Gpr::R11, Gpr::R10);
    x_.lock_cmpxchg(w, to, Gpr::R11);
    x_.short_jump_back(X64Cond::NotEqual, again);
    if (src == Gpr::Rax) {
        return;  // A successful 32-bit compare leaves rax as loaded: already zero-extended.
    }
    x_.mov(w, src, Gpr::Rax);
    x_.mov(true, Gpr::Rax, Gpr::R9);
}

Result<void> Encoder::atomic(const Insn& insn) {
    const bool w = insn.access_bytes() == 8;
    const Gpr src = x64_reg(insn.src);
    const X64Mem to{x64_reg(insn.dst), insn.off};
    // x86 loads acquire and stores release by themselves.
    if (insn.imm == BPF_LOAD_ACQ) {
        x_.load(insn.access_bytes(), false, x64_reg(insn.dst), {src, insn.off});
        return {};
    }
    if (insn.imm == BPF_STORE_REL) {
        x_.store(insn.access_bytes(), to, src);
        return {};
    }
    if (insn.access_bytes() < 4) {
        return fail("atomic operation on less than 4 bytes");
    }
    switch (insn.imm) {
        case BPF_ADD: x_.lock_alu(w, X64Alu::Add, to, src); break;
        case BPF_AND: x_.lock_alu(w, X64Alu::And, to, src); break;
        case BPF_OR: x_.lock_alu(w, X64Alu::Or, to, src); break;
        case BPF_XOR: x_.lock_alu(w, X64Alu::Xor, to, src); break;
        case BPF_ADD | BPF_FETCH: x_.lock_xadd(w, to, src); break;
        case BPF_AND | BPF_FETCH: atomic_fetch_loop(insn, X64Alu::And); break;
        case BPF_OR | BPF_FETCH: atomic_fetch_loop(insn, X64Alu::Or); break;
        case BPF_XOR | BPF_FETCH: atomic_fetch_loop(insn, X64Alu::Xor); break;
        case BPF_XCHG: x_.xchg(w, to, src); break;
        case BPF_CMPXCHG:
            x_.lock_cmpxchg(w, to, src);
            if (!w) {
                x_.mov(false, Gpr::Rax, Gpr::Rax);  // On success the CPU leaves rax alone.
            }
            break;
        default: return fail("unknown atomic operation");
    }
    return {};
}

}  // namespace trapgate::bpf::jit

// SPDX-License-Identifier: GPL-2.0-only
// Programs written down in tests: one function per instruction form, R0..R10 as numbers.
#pragma once

#include <initializer_list>
#include <vector>

#include "bpf/insn.hpp"

namespace trapgate::bpf::test {

inline Insn raw(int opcode, int dst = 0, int src = 0, int off = 0, std::int32_t imm = 0) {
    return {.opcode = static_cast<std::uint8_t>(opcode),
            .dst = static_cast<std::uint8_t>(dst & 15),
            .src = static_cast<std::uint8_t>(src & 15),
            .off = static_cast<std::int16_t>(off),
            .imm = imm};
}

inline Insn alu64(int op, int dst, std::int32_t imm) {
    return raw(BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}
inline Insn alu64_reg(int op, int dst, int src) { return raw(BPF_ALU64 | op | BPF_X, dst, src); }
inline Insn alu32(int op, int dst, std::int32_t imm) {
    return raw(BPF_ALU | op | BPF_K, dst, 0, 0, imm);
}
inline Insn alu32_reg(int op, int dst, int src) { return raw(BPF_ALU | op | BPF_X, dst, src); }
inline Insn mov(int dst, std::int32_t imm) { return alu64(BPF_MOV, dst, imm); }
inline Insn mov_reg(int dst, int src) { return alu64_reg(BPF_MOV, dst, src); }
inline Insn load(int size, int dst, int src, int off) {
    return raw(BPF_LDX | BPF_MEM | size, dst, src, off);
}
inline Insn store(int size, int dst, int off, int src) {
    return raw(BPF_STX | BPF_MEM | size, dst, src, off);
}
inline Insn store_imm(int size, int dst, int off, std::int32_t imm) {
    return raw(BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}
inline Insn atomic(int size, int op, int dst, int off, int src) {
    return raw(BPF_STX | BPF_ATOMIC | size, dst, src, off, op);
}
inline Insn jump(int op, int dst, std::int32_t imm, int off) {
    return raw(BPF_JMP | op | BPF_K, dst, 0, off, imm);
}
inline Insn jump_reg(int op, int dst, int src, int off) {
    return raw(BPF_JMP | op | BPF_X, dst, src, off);
}
inline Insn jump_always(int off) { return raw(BPF_JMP | BPF_JA, 0, 0, off); }
inline Insn call(std::int32_t helper) { return raw(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
inline Insn call_local(std::int32_t off) {
    return raw(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, off);
}
inline Insn exit_insn() { return raw(BPF_JMP | BPF_EXIT); }

/// A program from instructions and groups of them (ld_imm64 is two slots).
class Program {
public:
    Program(std::initializer_list<Insn> insns) : insns_(insns) {}
    Program& add(std::initializer_list<Insn> insns) {
        insns_.insert(insns_.end(), insns);
        return *this;
    }
    Program& add(const std::vector<Insn>& insns) {
        insns_.insert(insns_.end(), insns.begin(), insns.end());
        return *this;
    }
    Program& load_imm64(int dst, std::uint64_t value, int src = 0) {
        return add({raw(BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, static_cast<std::int32_t>(value)),
                    raw(0, 0, 0, 0, static_cast<std::int32_t>(value >> 32))});
    }
    Program& load_map(int dst, int index) {
        return load_imm64(dst, static_cast<std::uint32_t>(index), BPF_PSEUDO_MAP_FD);
    }
    [[nodiscard]] const std::vector<Insn>& insns() const { return insns_; }

private:
    std::vector<Insn> insns_;
};

}  // namespace trapgate::bpf::test

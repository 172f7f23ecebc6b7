// SPDX-License-Identifier: GPL-2.0-only
// Instructions by the names of <linux/filter.h>, for programs written out in tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bpf/insn.hpp"
#include "bpf/verifier/verifier.hpp"

namespace trapgate::bpf::test {

constexpr Insn make(int opcode, unsigned dst, unsigned src, int off, std::int64_t imm) {
    Insn insn;
    insn.opcode = static_cast<std::uint8_t>(opcode);
    insn.dst = static_cast<std::uint8_t>(dst & 0xf);
    insn.src = static_cast<std::uint8_t>(src & 0xf);
    insn.off = static_cast<std::int16_t>(off);
    insn.imm = static_cast<std::int32_t>(imm);
    return insn;
}

constexpr Insn mov_imm(unsigned dst, std::int64_t imm) {
    return make(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}
constexpr Insn mov_reg(unsigned dst, unsigned src) {
    return make(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}
constexpr Insn add_imm(unsigned dst, std::int64_t imm) {
    return make(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}
constexpr Insn add_reg(unsigned dst, unsigned src) {
    return make(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0);
}
constexpr Insn ldx(int size, unsigned dst, unsigned src, int off) {
    return make(BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}
constexpr Insn stx(int size, unsigned dst, int off, unsigned src) {
    return make(BPF_STX | BPF_MEM | size, dst, src, off, 0);
}
constexpr Insn st(int size, unsigned dst, int off, std::int64_t imm) {
    return make(BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}
constexpr Insn jump_eq_imm(unsigned dst, std::int64_t imm, int off) {
    return make(BPF_JMP | BPF_JEQ | BPF_K, dst, 0, off, imm);
}
constexpr Insn go_to(int off) { return make(BPF_JMP | BPF_JA, 0, 0, off, 0); }
constexpr Insn call(std::int64_t helper) { return make(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
constexpr Insn leave() { return make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

/// A whole program: pieces of one or more instructions in a row.
class ProgramText {
public:
    ProgramText& operator<<(const Insn& insn) {
        insns_.push_back(insn);
        return *this;
    }
    /// dst = the map at `index` of the program's maps.
    ProgramText& load_map(unsigned dst, int index) {
        insns_.push_back(make(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, index));
        insns_.push_back(Insn{});
        return *this;
    }
    ProgramText& load_imm64(unsigned dst, std::uint64_t value) {
        insns_.push_back(make(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0,
                              static_cast<std::int32_t>(value & 0xffff'ffff)));
        insns_.push_back(make(0, 0, 0, 0, static_cast<std::int32_t>(value >> 32)));
        return *this;
    }
    /// Text with its NUL on the stack, at `offset` from R10.
    ProgramText& text_on_stack(const std::string& text, int offset);

    /// As the verifier would hand it on; look-ups are not inlined.
    [[nodiscard]] VerifiedProgram verified() const;

private:
    std::vector<Insn> insns_;
};

inline ProgramText& ProgramText::text_on_stack(const std::string& text, int offset) {
    for (std::size_t at = 0; at <= text.size(); at += 4) {
        std::int32_t word = 0;
        std::memcpy(&word, text.c_str() + at, std::min<std::size_t>(4, text.size() + 1 - at));
        *this << st(BPF_W, kFrameReg, offset + static_cast<int>(at), word);
    }
    return *this;
}

inline VerifiedProgram ProgramText::verified() const {
    VerifiedProgram program;
    program.prog_type = BPF_PROG_TYPE_KPROBE;
    program.insns = insns_;
    program.stack_bytes = kMaxStackBytes;
    program.call_map.assign(insns_.size(), -1);
    return program;
}

}  // namespace trapgate::bpf::test

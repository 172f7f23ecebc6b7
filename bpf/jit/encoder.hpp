// SPDX-License-Identifier: GPL-2.0-only
// One BPF program on its way to x86-64. Constraints that every encode_*.cpp keeps:
//
//   BPF   R0  R1  R2  R3  R4  R5  R6  R7  R8  R9  R10        (as Linux's JIT maps them)
//   x86   rax rdi rsi rdx rcx r8  rbx r13 r14 r15 rbp
//
//   - r9, r10 and r11 are scratch inside one instruction and hold nothing between two; r12 is never
//   touched.
//   - A helper is called with its five arguments already in place; it may destroy R1..R5.
//   - At a call rsp is a multiple of 16, as System V wants.
//   - A 32-bit result leaves the upper half zero; most x86 instructions do that by themselves.
#pragma once

#include <span>
#include <vector>

#include "bpf/jit/code_buffer.hpp"

namespace trapgate::bpf::jit {

[[nodiscard]] Gpr x64_reg(unsigned bpf_reg);

/// A function of the program: the main one or a subprogram.
struct Function {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    std::uint32_t stack_bytes = 0;
    bool has_frame = false;  ///< R10 is used.
    bool calls = false;
    std::vector<Gpr> saved;     ///< Callee-saved registers it writes.
    std::uint32_t padding = 0;  ///< Keeps rsp aligned at calls.
};

class Encoder {
public:
    explicit Encoder(const JitInput& input);
    [[nodiscard]] Result<JitImage> encode();

private:
    Result<void> find_functions();
    void scan_function(Function& function) const;
    Result<void> encode_insn(std::uint32_t index, const Function& function);

    // encode_frame.cpp
    void prologue(const Function& function);
    void epilogue(const Function& function);
    void zero_stack(std::uint32_t bytes);

    // encode_alu.cpp
    Result<void> alu(const Insn& insn);
    void alu_simple(const Insn& insn, bool w, X64Alu op);
    void mov(const Insn& insn, bool w);
    void mul(const Insn& insn, bool w);
    void shift(const Insn& insn, bool w, X64Shift op);
    void shift_by_reg(bool w, X64Shift op, Gpr dst, Gpr src);
    void divide(const Insn& insn, bool w);
    bool divide_by_power_of_two(const Insn& insn, bool w);
    void byte_order(const Insn& insn);

    // encode_memory.cpp
    Result<void> load(const Insn& insn);
    Result<void> load_imm64(std::uint32_t index);
    void store(const Insn& insn);
    Result<void> atomic(const Insn& insn);
    void atomic_fetch_loop(const Insn& insn, X64Alu op);

    // encode_flow.cpp
    Result<void> jump(std::uint32_t index, const Function& function);
    Result<void> conditional(std::uint32_t index);
    Result<void> call(std::uint32_t index);
    bool inline_array_lookup(std::uint32_t index);

    [[nodiscard]] tl::unexpected<Error> unsupported(std::uint32_t index) const;

    const JitInput& input_;
    std::span<const Insn> insns_;
    std::vector<Function> functions_;
    CodeBuffer buffer_;
    X64Writer& x_;
};

}  // namespace trapgate::bpf::jit

// SPDX-License-Identifier: GPL-2.0-only
// A frame, from high to low addresses:  return address | rbp | stack_bytes | saved registers |
// padding
#include <ranges>

#include "bpf/jit/encoder.hpp"

namespace trapgate::bpf::jit {

namespace {

/// Up to here one store per 8 bytes is shorter in time than setting up `rep stosq`.
constexpr std::uint32_t kUnrolledZeroBytes = 64;

}  // namespace

void Encoder::zero_stack(std::uint32_t bytes) {
    if (bytes <= kUnrolledZeroBytes) {
        for (std::uint32_t at = 8; at <= bytes; at += 8) {
            x_.store_imm(8, {X64Reg::Rbp, -static_cast<std::int32_t>(at)}, 0);
        }
        return;
    }
    x_.mov(true, X64Reg::R10, X64Reg::Rdi);
    x_.mov(true, X64Reg::R11, X64Reg::Rcx);
    x_.lea(X64Reg::Rdi, {X64Reg::Rbp, -static_cast<std::int32_t>(bytes)});
    x_.mov_imm(X64Reg::Rcx, bytes / 8);
    x_.mov_imm(X64Reg::Rax, 0);
    x_.store_zeros_rep();
    x_.mov(true, X64Reg::Rdi, X64Reg::R10);
    x_.mov(true, X64Reg::Rcx, X64Reg::R11);
}

void Encoder::prologue(const Function& function) {
    if (function.has_frame) {
        x_.push(X64Reg::Rbp);
        x_.mov(true, X64Reg::Rbp, X64Reg::Rsp);
        if (function.stack_bytes != 0) {
            x_.alu(true, X64Alu::Sub, X64Reg::Rsp, static_cast<std::int32_t>(function.stack_bytes));
        }
        if (input_.program.reads_uninit_stack) {
            zero_stack(function.stack_bytes);
        }
    }
    for (const X64Reg reg : function.saved) {
        x_.push(reg);
    }
    if (function.padding != 0) {
        x_.alu(true, X64Alu::Sub, X64Reg::Rsp, static_cast<std::int32_t>(function.padding));
    }
}

void Encoder::epilogue(const Function& function) {
    if (function.padding != 0) {
        x_.alu(true, X64Alu::Add, X64Reg::Rsp, static_cast<std::int32_t>(function.padding));
    }
    for (const X64Reg reg : std::views::reverse(function.saved)) {
        x_.pop(reg);
    }
    if (function.has_frame) {
        x_.leave();
    }
    x_.ret();
}

}  // namespace trapgate::bpf::jit

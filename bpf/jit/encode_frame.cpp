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
            x_.store_imm(8, {Gpr::Rbp, -static_cast<std::int32_t>(at)}, 0);
        }
        return;
    }
    x_.mov(true, Gpr::R10, Gpr::Rdi);
    x_.mov(true, Gpr::R11, Gpr::Rcx);
    x_.lea(Gpr::Rdi, {Gpr::Rbp, -static_cast<std::int32_t>(bytes)});
    x_.mov_imm(Gpr::Rcx, bytes / 8);
    x_.mov_imm(Gpr::Rax, 0);
    x_.store_zeros_rep();
    x_.mov(true, Gpr::Rdi, Gpr::R10);
    x_.mov(true, Gpr::Rcx, Gpr::R11);
}

void Encoder::prologue(const Function& function) {
    if (function.has_frame) {
        x_.push(Gpr::Rbp);
        x_.mov(true, Gpr::Rbp, Gpr::Rsp);
        if (function.stack_bytes != 0) {
            x_.alu(true, X64Alu::Sub, Gpr::Rsp, static_cast<std::int32_t>(function.stack_bytes));
        }
        if (input_.program.reads_uninit_stack) {
            zero_stack(function.stack_bytes);
        }
    }
    for (const Gpr reg : function.saved) {
        x_.push(reg);
    }
    if (function.padding != 0) {
        x_.alu(true, X64Alu::Sub, Gpr::Rsp, static_cast<std::int32_t>(function.padding));
    }
}

void Encoder::epilogue(const Function& function) {
    if (function.padding != 0) {
        x_.alu(true, X64Alu::Add, Gpr::Rsp, static_cast<std::int32_t>(function.padding));
    }
    for (const Gpr reg : std::views::reverse(function.saved)) {
        x_.pop(reg);
    }
    if (function.has_frame) {
        x_.leave();
    }
    x_.ret();
}

}  // namespace trapgate::bpf::jit

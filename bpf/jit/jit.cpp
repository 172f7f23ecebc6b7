// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/jit/jit.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "bpf/jit/encoder.hpp"

namespace trapgate::bpf {

namespace jit {

namespace {

constexpr int kErrnoNotSupp = 524;

/// Whether the instruction changes or reads R10, or changes one of R6..R9.
bool touches(const Insn& insn, unsigned reg) {
    const bool src_used = insn.cls() == BPF_LDX || insn.cls() == BPF_STX ||
                          ((insn.is_alu() || insn.is_conditional_jump()) && insn.uses_src());
    return insn.dst == reg || (src_used && insn.src == reg);
}

}  // namespace

Gpr x64_reg(unsigned bpf_reg) {
    constexpr Gpr kMap[kRegisters] = {Gpr::Rax, Gpr::Rdi, Gpr::Rsi, Gpr::Rdx, Gpr::Rcx, Gpr::R8,
                                      Gpr::Rbx, Gpr::R13, Gpr::R14, Gpr::R15, Gpr::Rbp};
    return kMap[bpf_reg];
}

Encoder::Encoder(const JitInput& input)
    : input_(input),
      insns_(input.program.insns),
      buffer_(input.program.insns.size()),
      x_(buffer_.code) {}

tl::unexpected<Error> Encoder::unsupported(std::uint32_t index) const {
    return fail(fmt::format("no machine code for opcode {:#04x} yet", insns_[index].opcode),
                fmt::format("instruction {}", index), {}, kErrnoNotSupp);
}

/// Functions start at 0 and at each local call's target, and end where the next one starts.
Result<void> Encoder::find_functions() {
    std::vector<std::uint32_t> firsts{0};
    for (std::uint32_t i = 0; i < insns_.size(); i += insns_[i].slots()) {
        const Insn& insn = insns_[i];
        const bool jumps = insn.is_goto() || insn.is_conditional_jump();
        if (!jumps && !insn.is_local_call()) {
            continue;
        }
        const std::int64_t target = std::int64_t{i} + 1 + (jumps ? insn.jump_offset() : insn.imm);
        if (target < 0 || target >= static_cast<std::int64_t>(insns_.size())) {
            return fail("a jump leaves the program", fmt::format("instruction {}", i));
        }
        if (!jumps) {
            firsts.push_back(static_cast<std::uint32_t>(target));
        }
    }
    std::sort(firsts.begin(), firsts.end());
    firsts.erase(std::unique(firsts.begin(), firsts.end()), firsts.end());
    for (std::size_t i = 0; i < firsts.size(); ++i) {
        Function function;
        function.first = firsts[i];
        function.end = i + 1 < firsts.size() ? firsts[i + 1]
                                             : static_cast<std::uint32_t>(insns_.size());
        scan_function(function);
        functions_.push_back(std::move(function));
    }
    return {};
}

void Encoder::scan_function(Function& function) const {
    bool used[kRegisters] = {};
    for (std::uint32_t i = function.first; i < function.end; i += insns_[i].slots()) {
        const Insn& insn = insns_[i];
        function.calls = function.calls || insn.is_call();
        for (unsigned reg = 6; reg <= kFrameReg; ++reg) {
            used[reg] = used[reg] || touches(insn, reg);
        }
    }
    for (unsigned reg = 6; reg < kFrameReg; ++reg) {
        if (used[reg]) {
            function.saved.push_back(x64_reg(reg));
        }
    }
    function.has_frame = used[kFrameReg];
    if (function.has_frame) {
        function.stack_bytes = (input_.program.stack_bytes_of(function.first) + 7) & ~7U;
    }
    const std::size_t words = 1 + (function.has_frame ? 1U : 0U) + function.stack_bytes / 8 +
                              function.saved.size();
    function.padding = function.calls && words % 2 != 0 ? 8 : 0;
}

Result<void> Encoder::encode_insn(std::uint32_t index, const Function& function) {
    const Insn& insn = insns_[index];
    switch (insn.cls()) {
        case BPF_ALU:
        case BPF_ALU64: {
            Result<void> done = alu(insn);
            return done ? done : Result<void>(unsupported(index));
        }
        case BPF_LD:
            return insn.is_ld_imm64() ? load_imm64(index) : Result<void>(unsupported(index));
        case BPF_LDX: {
            Result<void> done = load(insn);
            return done ? done : Result<void>(unsupported(index));
        }
        case BPF_ST:
        case BPF_STX: {
            if (insn.is_atomic()) {
                Result<void> done = atomic(insn);
                return done ? done : Result<void>(unsupported(index));
            }
            if (insn.mode() != BPF_MEM) {
                return unsupported(index);
            }
            store(insn);
            return {};
        }
        default: return jump(index, function);
    }
}

Result<JitImage> Encoder::encode() {
    if (insns_.empty()) {
        return fail("a program without instructions");
    }
    if (Result<void> found = find_functions(); !found) {
        return tl::unexpected(found.error());
    }
    buffer_.code.reserve(insns_.size() * 5);
    for (const Function& function : functions_) {
        buffer_.begin_function(function.first);
        prologue(function);
        for (std::uint32_t i = function.first; i < function.end; i += insns_[i].slots()) {
            if (i + insns_[i].slots() > function.end) {
                return unsupported(i);
            }
            buffer_.begin_insn(i);
            if (Result<void> done = encode_insn(i, function); !done) {
                return tl::unexpected(done.error());
            }
        }
    }
    return buffer_.link(input_.base_va);
}

}  // namespace jit

Result<JitImage> jit_encode(const JitInput& input) { return jit::Encoder(input).encode(); }

}  // namespace trapgate::bpf

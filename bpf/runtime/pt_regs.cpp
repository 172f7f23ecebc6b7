// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/pt_regs.hpp"

namespace trapgate::bpf {

PtRegs pt_regs_of(const emu::Cpu& cpu, std::uint64_t ip) {
    using cpu::Gpr;
    const cpu::RegisterFile regs = cpu.registers();
    PtRegs out;
    out.r15 = regs[Gpr::R15];
    out.r14 = regs[Gpr::R14];
    out.r13 = regs[Gpr::R13];
    out.r12 = regs[Gpr::R12];
    out.bp = regs[Gpr::Rbp];
    out.bx = regs[Gpr::Rbx];
    out.r11 = regs[Gpr::R11];
    out.r10 = regs[Gpr::R10];
    out.r9 = regs[Gpr::R9];
    out.r8 = regs[Gpr::R8];
    out.ax = regs[Gpr::Rax];
    out.cx = regs[Gpr::Rcx];
    out.dx = regs[Gpr::Rdx];
    out.si = regs[Gpr::Rsi];
    out.di = regs[Gpr::Rdi];
    out.ip = ip;
    out.cs = regs.cs.selector;
    out.flags = regs.rflags;
    out.sp = regs[Gpr::Rsp];
    out.ss = regs.ss.selector;
    return out;
}

}  // namespace trapgate::bpf

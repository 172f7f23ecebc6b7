// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "cpu/registers.hpp"
#include "emu/cpu_state.hpp"

namespace trapgate::bpf {

/// struct pt_regs of Linux on x86-64 (the kernel's own names; layout of <asm/ptrace.h>): the
/// context of kprobe programs.
struct PtRegs {
    std::uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, bp = 0, bx = 0;
    std::uint64_t r11 = 0, r10 = 0, r9 = 0, r8 = 0, ax = 0, cx = 0, dx = 0, si = 0, di = 0;
    std::uint64_t orig_ax = ~0ULL;  ///< -1: not inside a system call's entry.
    std::uint64_t ip = 0, cs = 0, flags = 0, sp = 0, ss = 0;
    bool operator==(const PtRegs&) const = default;
};
static_assert(sizeof(PtRegs) == 168);

/// The CPU's registers now, with `ip` as given. At a kprobe Linux stores the address behind the
/// int3 (probe + 1), whether the probe is optimised or not; at a kretprobe the return address.
[[nodiscard]] PtRegs pt_regs_of(const emu::Cpu& cpu, std::uint64_t ip);

}  // namespace trapgate::bpf

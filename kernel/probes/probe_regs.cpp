// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/probe_regs.hpp"

#include <array>

#include "base/check.hpp"

namespace trapgate::kernel {

std::uint64_t ProbeRegs::argument(unsigned index) const {
    using cpu::Gpr;
    constexpr std::array kArguments{Gpr::Rdi, Gpr::Rsi, Gpr::Rdx, Gpr::Rcx, Gpr::R8, Gpr::R9};
    TG_CHECK(index < kArguments.size(), "only six integer arguments travel in registers");
    return cpu_.gpr(kArguments[index]);
}

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/jprobe.hpp"

namespace trapgate::kernel::jprobe_detail {

std::uint64_t parameter(const emu::Machine& machine, const ProbeRegs& regs, std::size_t index) {
    constexpr std::size_t kInRegisters = 6;
    if (index < kInRegisters) {
        return regs.argument(static_cast<unsigned>(index));
    }
    const GuestVa at = regs.sp() + 8 * (1 + index - kInRegisters);
    return emu::read_value<std::uint64_t>(machine, at).value_or(0);
}

}  // namespace trapgate::kernel::jprobe_detail

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/early_boot.hpp"

namespace trapgate::kernel {

std::optional<emu::StopEvent> boot_until_probes_can_be_armed(emu::Machine& machine,
                                                             emu::MachineRunner* runner) {
    Result<emu::Symbol> place = machine.symbols().find("rest_init");
    if (!place) {
        place = machine.symbols().find("start_kernel");
    }
    if (!place) {
        return std::nullopt;
    }
    emu::RunLimits limits;
    limits.max_instructions = kEarlyBootInstructions;
    machine.add_breakpoint(place->address);
    const emu::StopEvent stop = runner == nullptr ? machine.run(limits)
                                                  : runner->run(machine, limits);
    machine.remove_breakpoint(place->address);
    if (stop.reason == emu::StopReason::Breakpoint) {
        return std::nullopt;
    }
    return stop;
}

}  // namespace trapgate::kernel

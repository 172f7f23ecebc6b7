// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/early_boot.hpp"

namespace trapgate::kernel {

std::optional<emu::StopEvent> boot_to_start_kernel(emu::Machine& machine) {
    const Result<emu::Symbol> start = machine.symbols().find("start_kernel");
    if (!start) {
        return std::nullopt;
    }
    bool arrived = false;
    const auto on_arrival = [&](emu::Machine& at) {
        arrived = true;
        at.unplant(start->address);
        at.request_stop();
    };
    if (!machine.plant(start->address, on_arrival, emu::TrapCost::Free)) {
        return std::nullopt;
    }
    emu::RunLimits limits;
    limits.max_instructions = kEarlyBootInstructions;
    const emu::StopEvent stop = machine.run(limits);
    if (arrived) {
        return std::nullopt;
    }
    machine.unplant(start->address);
    return stop;
}

}  // namespace trapgate::kernel

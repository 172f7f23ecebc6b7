// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/early_boot.hpp"

#include <algorithm>

namespace trapgate::kernel {
namespace {

constexpr std::uint64_t kStride = 512;  // instructions between two looks at the page tables
constexpr std::uint64_t kPatience = 2'000'000'000;  // a bzImage with KASLR takes 4.6 G; ELF kernels
                                                    // far less
constexpr GuestVa kKernelHalf{0xffff'8000'0000'0000};

std::optional<GuestVa> first_kernel_text(const emu::SymbolTable& symbols) {
    for (const emu::Symbol& symbol : symbols.all()) {
        if (symbol.address >= kKernelHalf && (symbol.type == 't' || symbol.type == 'T')) {
            return symbol.address;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<emu::StopEvent> boot_to_start_kernel(emu::Machine& machine) {
    const Result<emu::Symbol> start = machine.symbols().find("start_kernel");
    const std::optional<GuestVa> mark = start ? std::optional(start->address)
                                              : first_kernel_text(machine.symbols());
    if (!mark) {
        return std::nullopt;  // No symbols: nothing could be probed by name anyway.
    }
    emu::RunLimits limits;
    limits.max_instructions = machine.counters().instructions;
    while (!machine.translate(*mark)) {
        limits.max_instructions += kStride;
        const emu::StopEvent stop = machine.run(limits);
        if (stop.reason != emu::StopReason::InsnLimit || limits.max_instructions > kPatience) {
            return stop;
        }
    }
    if (!start) {
        return std::nullopt;
    }
    bool arrived = false;
    const auto on_arrival = [&](emu::Machine& at) {
        arrived = true;
        at.unplant(*mark);
        at.request_stop();
    };
    if (!machine.plant(*mark, on_arrival, emu::TrapCost::Free)) {
        return std::nullopt;
    }
    limits.max_instructions = kPatience;
    const emu::StopEvent stop = machine.run(limits);
    if (!arrived) {
        machine.unplant(*mark);
        return stop;
    }
    return std::nullopt;
}

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/linux_end.hpp"

#include <utility>

namespace trapgate::kernel {
namespace {

// For the last words of a kernel that loops on after its panic. It writes them within a few million
// cycles; then nothing comes any more.
constexpr Cycles kPanicPatience{100'000'000};

}  // namespace

void LinuxEnd::watch_for(std::string_view function, std::function<void()> seen) {
    const Result<emu::Symbol> symbol = machine_.symbols().find(function);
    if (!symbol) {
        return;
    }
    const auto on_hit = [address = symbol->address, seen = std::move(seen)](emu::Machine& at) {
        at.unplant(address);
        seen();
    };
    // Where it cannot be planted, the guest's end is told as it is.
    static_cast<void>(machine_.plant(symbol->address, on_hit, emu::TrapCost::Free));
}

void LinuxEnd::watch() {
    const auto halts = [this] { halting_ = true; };
    watch_for("machine_halt", halts);
    watch_for("machine_power_off", halts);
    // Not panic() itself: probes of the user's belong there.
    watch_for("console_flush_on_panic", [this] {
        panicked_ = machine_.now();
        machine_.request_stop();
    });
}

emu::StopEvent LinuxEnd::judged(emu::StopEvent stop, bool out_of_patience) const {
    switch (stop.reason) {
        case emu::StopReason::Shutdown:
        case emu::StopReason::Dead:
        case emu::StopReason::TripleFault:
            if (panicked_) {
                stop.reason = emu::StopReason::Panic;
                stop.status = kPanicStatus;
            } else if (halting_ && stop.reason == emu::StopReason::Dead) {
                stop.reason = emu::StopReason::Shutdown;
            }
            break;
        case emu::StopReason::CycleLimit:
            if (out_of_patience) {
                stop.reason = emu::StopReason::Panic;
                stop.status = kPanicStatus;
            }
            break;
        default: break;
    }
    return stop;
}

emu::StopEvent LinuxEnd::run(const emu::RunLimits& limits, emu::MachineRunner* runner) {
    while (true) {
        const bool knew = panicked_.has_value();
        emu::RunLimits allowed = limits;
        const bool impatient = knew && *panicked_ + kPanicPatience < limits.max_cycles;
        if (impatient) {
            allowed.max_cycles = *panicked_ + kPanicPatience;
        }
        const emu::StopEvent stop = runner == nullptr ? machine_.run(allowed)
                                                      : runner->run(machine_, allowed);
        const bool just_panicked = !knew && panicked_ && stop.reason == emu::StopReason::Requested;
        if (!just_panicked) {
            return judged(stop, impatient);
        }
    }
}

}  // namespace trapgate::kernel

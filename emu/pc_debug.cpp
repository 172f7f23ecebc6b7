// SPDX-License-Identifier: GPL-2.0-only
// What debuggers ask of the machine.
#include <algorithm>

#include "base/check.hpp"
#include "emu/pc_machine.hpp"

namespace trapgate::emu {

void PcMachine::request_debugger() {
    debugger_wanted_ = true;
    engine_->poke();
}

void PcMachine::add_breakpoint(GuestVa va) {
    ++breakpoints_[va];
    engine_->set_breakpoints(active_breakpoints());
}

void PcMachine::remove_breakpoint(GuestVa va) {
    const auto found = breakpoints_.find(va);
    TG_CHECK(found != breakpoints_.end(), "a breakpoint removed that was not added");
    if (--found->second == 0) {
        breakpoints_.erase(found);
    }
    engine_->set_breakpoints(active_breakpoints());
}

std::vector<GuestVa> PcMachine::active_breakpoints() const {
    std::vector<GuestVa> addresses;
    if (limits_.debug_stops) {
        for (const auto& [va, count] : breakpoints_) {
            addresses.push_back(va);
        }
    }
    return addresses;
}

void PcMachine::arm_breakpoints() {
    engine_->set_breakpoints(active_breakpoints());
    if (breakpoints_.contains(engine_->rip())) {
        engine_->pass_breakpoint();
    }
}

bool PcMachine::arrived_at_breakpoint(std::uint64_t begin) const {
    switch (ending_->reason) {
        case StopReason::InsnLimit:
        case StopReason::CycleLimit:
        case StopReason::TimeLimit:
        case StopReason::Requested:
        case StopReason::Debugger:
            return limits_.debug_stops && engine_->instructions() > begin &&
                   breakpoints_.contains(engine_->rip());
        default: return false;
    }
}

}  // namespace trapgate::emu

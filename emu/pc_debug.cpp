// SPDX-License-Identifier: GPL-2.0-only
// What debuggers ask of the machine.
#include <algorithm>

#include "base/check.hpp"
#include "emu/pc_machine.hpp"

namespace trapgate::emu {

void PcMachine::request_debugger() {
    debugger_wanted_ = true;
    poke();
}

void PcMachine::add_breakpoint(GuestVa va) {
    ++breakpoints_[va];
    set_engine_breakpoints();
}

void PcMachine::remove_breakpoint(GuestVa va) {
    const auto found = breakpoints_.find(va);
    TG_CHECK(found != breakpoints_.end(), "a breakpoint removed that was not added");
    if (--found->second == 0) {
        breakpoints_.erase(found);
    }
    set_engine_breakpoints();
}

unsigned PcMachine::breakpoints_at(GuestVa va) const {
    const auto found = breakpoints_.find(va);
    return found == breakpoints_.end() ? 0 : found->second;
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

void PcMachine::set_engine_breakpoints() {
    const std::vector<GuestVa> addresses = active_breakpoints();
    for (const auto& cpu : cpus_) {
        cpu->engine->set_breakpoints(addresses);
    }
}

void PcMachine::arm_breakpoints() {
    set_engine_breakpoints();
    if (breakpoints_.contains(engine().rip())) {
        engine().pass_breakpoint();
    }
}

bool PcMachine::arrived_at_breakpoint(std::uint64_t begin) const {
    switch (ending_->reason) {
        case StopReason::InsnLimit:
        case StopReason::CycleLimit:
        case StopReason::TimeLimit:
        case StopReason::Requested:
        case StopReason::Debugger:
            return limits_.debug_stops && instructions() > begin &&
                   breakpoints_.contains(engine().rip());
        default: return false;
    }
}

}  // namespace trapgate::emu

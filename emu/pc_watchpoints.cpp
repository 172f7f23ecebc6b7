// SPDX-License-Identifier: GPL-2.0-only
// The table of the machine's data watchpoints.
#include <vector>

#include <fmt/format.h>

#include "emu/pc_machine.hpp"

namespace trapgate::emu {

Result<WatchId> PcMachine::add_watchpoint(GuestVa va, std::uint64_t bytes, WatchKind kind) {
    if (bytes == 0 || va.value + (bytes - 1) < va.value) {
        return fail(fmt::format("{} bytes cannot be watched there", bytes),
                    fmt::format("{:#x}", va.value), "at least one byte, not across the top");
    }
    const WatchId id{next_watch_id_++};
    watchpoints_[id] = {va, bytes, kind};
    apply_watchpoints();
    return id;
}

void PcMachine::remove_watchpoint(WatchId id) {
    if (watchpoints_.erase(id) != 0) {
        apply_watchpoints();
    }
}

void PcMachine::apply_watchpoints() {
    std::vector<Watchpoint> all;
    for (const auto& [id, watch] : watchpoints_) {
        all.push_back(watch);
    }
    for (const auto& cpu : cpus_) {
        cpu->engine->set_watchpoints(all);
    }
}

void PcMachine::watchpoint_hit(const WatchHit& hit) {
    if (!limits_.debug_stops) {
        return;
    }
    end_run(StopReason::Watchpoint, 0);
    if (ending_->reason == StopReason::Watchpoint) {
        ending_->watch = hit;
    }
}

}  // namespace trapgate::emu

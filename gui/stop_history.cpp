// SPDX-License-Identifier: GPL-2.0-only
#include "gui/stop_history.hpp"

namespace trapgate::gui {

void StopHistory::observe(const kernel::SnapshotPtr& snapshot) {
    running_ = snapshot->running;
    if (running_ || snapshot == stop_) {
        return;
    }
    // A command that ran nothing (and an edit, one day) publishes the same stop anew.
    const bool moved = stop_ && (stop_->counters.instructions != snapshot->counters.instructions ||
                                 stop_->counters.cycles != snapshot->counters.cycles);
    if (moved) {
        previous_ = stop_;
    }
    stop_ = snapshot;
}

}  // namespace trapgate::gui

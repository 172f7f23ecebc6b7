// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/session/snapshot.hpp"

namespace trapgate::gui {

/// Knows what "since the last stop" means: for a stopped machine the stop before, for a running one
/// the stop that it left.
class StopHistory {
public:
    /// To be called with each snapshot that is shown.
    void observe(const kernel::SnapshotPtr& snapshot);
    /// What the snapshot observed last is to be compared with; null when there is nothing yet.
    [[nodiscard]] const kernel::SnapshotPtr& before() const { return running_ ? stop_ : previous_; }

private:
    kernel::SnapshotPtr previous_;
    kernel::SnapshotPtr stop_;
    bool running_ = false;
};

}  // namespace trapgate::gui

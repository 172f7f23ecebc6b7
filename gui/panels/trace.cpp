// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/cell.hpp"

namespace trapgate::gui {

void draw_trace(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    if (snapshot->trace.empty()) {
        hint_text(
            "No events yet. Hits of probes without a program and bpf_trace_printk() write lines "
            "here.");
        return;
    }
    state.trace.update(snapshot, [&] { return snapshot->trace; });
    state.trace.draw("lines", state);
}

}  // namespace trapgate::gui

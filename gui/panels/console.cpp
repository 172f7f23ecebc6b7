// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"

namespace trapgate::gui {

void draw_console(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    if (snapshot->console.empty()) {
        hint_text("The guest has not written anything yet.");
        return;
    }
    state.console.update(snapshot, [&] { return terminal_lines(snapshot->console); });
    state.console.draw("lines", state);
}

}  // namespace trapgate::gui

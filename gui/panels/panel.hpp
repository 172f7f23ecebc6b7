// SPDX-License-Identifier: GPL-2.0-only
// What a panel is: a name and a function that draws a snapshot into the current ImGui window.
// Panels keep what the user chose in PanelState; they never touch the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gui/panels/text_lines.hpp"
#include "kernel/session/snapshot.hpp"

namespace trapgate::gui {

/// One entry of a copy menu.
struct CopyChoice {
    std::string label;  ///< "decimal"
    std::string text;   ///< What goes to the clipboard.
};

enum class NumberFormat { Hex, Unsigned, Signed };

/// A command line and what came of it.
struct CommandEntry {
    std::string text;
    enum class Kind { Sent, Answer, Error } kind = Kind::Sent;
};

/// What the user chose in the panels, and what they compare with.
struct PanelState {
    /// The stop before the one that is shown: changed values are marked against it. Null: nothing
    /// is marked.
    kernel::SnapshotPtr before;

    /// Set by a right-click on a cell; the application opens the menu and clears it.
    std::vector<CopyChoice> copy;

    NumberFormat register_format = NumberFormat::Hex;

    std::optional<std::uint32_t> selected_map;  ///< By id.
    bool maps_in_hex = false;
    bool hide_zeros = false;

    std::optional<std::uint32_t> selected_ring;
    bool rings_in_hex = false;

    TextLines console;
    TextLines trace;

    std::vector<CommandEntry> commands;
    std::string command_line;                           ///< Being typed.
    std::function<void(std::string line)> run_command;  ///< Null where commands cannot be given.
};

/// A panel as layouts and menus know it.
struct Panel {
    std::string_view name;     ///< One word: what layout strings say.
    std::string_view purpose;  ///< A few words for the help.
    void (*draw)(const kernel::SnapshotPtr& snapshot, PanelState& state);
};

/// Every panel.
[[nodiscard]] std::span<const Panel> panel_table();
[[nodiscard]] std::vector<std::string_view> panel_names();
/// Null when there is none of that name.
[[nodiscard]] const Panel* find_panel(std::string_view name);

// The panels, one file each. `snapshot` is never null.
void draw_commands(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_console(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_counters(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_maps(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_probes(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_registers(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_rings(const kernel::SnapshotPtr& snapshot, PanelState& state);
void draw_trace(const kernel::SnapshotPtr& snapshot, PanelState& state);

/// The line at the bottom of the window: state, place, time. Not a panel of a layout.
void draw_status(const kernel::SnapshotPtr& snapshot, PanelState& state);

}  // namespace trapgate::gui

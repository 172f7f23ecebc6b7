// SPDX-License-Identifier: GPL-2.0-only
// The pieces that panels are made of. Text in Dear ImGui cannot be selected, so every piece of it
// here has a copy menu on the right mouse button.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <imgui.h>

#include "gui/panels/panel.hpp"
#include "gui/style/palette.hpp"

namespace trapgate::gui {

/// Text whose menu copies it, and whatever else `more` offers.
void cell(PanelState& state, std::string_view text, Tone tone = Tone::Normal,
          std::vector<CopyChoice> more = {});

/// A count with digit groups; the menu offers it in decimal and hex. Zero is dim.
void count_cell(PanelState& state, std::uint64_t value, Tone tone = Tone::Normal);

/// A 64-bit value as `format` says; the menu offers all formats.
void value_cell(PanelState& state, std::uint64_t value, NumberFormat format,
                Tone tone = Tone::Normal);

/// Text for a place where there is nothing to show yet, wrapped.
void hint_text(std::string_view text);

/// Two or more exclusive choices in one line. `choice` is the index of the chosen one.
void choice_buttons(std::span<const std::string_view> names, int& choice);

/// A table column. Width 0 takes what its content needs; `stretch` takes what is left.
struct Column {
    const char* name;
    bool stretch = false;
};

/// The header row of a table whose columns are set up.
void header_row();

/// Begins a striped table with a header row that stays in view. `rows_high` limits its height to so
/// many rows (0 = all the room there is). Returns false when nothing of it is visible; else call
/// ImGui::EndTable().
[[nodiscard]] bool begin_table(const char* id, std::span<const Column> columns, int rows_high = 0);

}  // namespace trapgate::gui

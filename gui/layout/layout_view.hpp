// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <string_view>

#include <imgui.h>

#include "gui/layout/layout.hpp"

namespace trapgate::gui {

/// Draws the tree into `size` pixels from the cursor of the current window: tabs with what
/// `draw_panel` puts into them, and between the parts of a split a bar that the mouse moves (which
/// changes `layout`).
void draw_layout(Layout& layout, ImVec2 size,
                 const std::function<void(std::string_view panel)>& draw_panel);

}  // namespace trapgate::gui

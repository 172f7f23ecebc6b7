// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "gui/layout/layout.hpp"

namespace trapgate::gui {

/// A layout with a name.
struct LayoutPreset {
    std::string_view name;
    std::string_view purpose;  ///< A few words for menus and help.
    std::string_view layout;
};

/// The first one is what a new window shows.
[[nodiscard]] std::span<const LayoutPreset> layout_presets();

/// What --layout means: a preset by its name (in any case), or else a layout string of known
/// panels.
[[nodiscard]] Result<Layout> choose_layout(std::string_view text);

}  // namespace trapgate::gui

// SPDX-License-Identifier: GPL-2.0-only
// How panels share the window: a tree of splits and tabs, and the text that stands for it.
//
//     layout=h(60,v(70,Registers,Console),v(50,Maps,t(Rings,Probes)))
//
// h(P,A,B)   A and B side by side; A gets P per cent of the width
// v(P,A,B)   A above B; A gets P per cent of the height
// t(A,B,...) tabs, the first one in front; only panels go in
// NAME       a panel
//
// Spaces are allowed anywhere between words; "layout=" may be left out. A panel stands in a layout
// once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace trapgate::gui {

enum class LayoutKind { SideBySide, Stacked, Tabs };

/// A node of the tree. Splits have two children and a share; tabs have panels (a lone panel is a
/// tab of one).
struct Layout {
    LayoutKind kind = LayoutKind::Tabs;
    int percent = 50;                 ///< Of the first child, kMinPercent to kMaxPercent.
    std::vector<Layout> children;     ///< Two for splits, none for tabs.
    std::vector<std::string> panels;  ///< At least one for tabs, none for splits.
    bool operator==(const Layout&) const = default;

    static constexpr int kMinPercent = 5;
    static constexpr int kMaxPercent = 95;
    /// Splits in splits; more than any screen could show.
    static constexpr int kMaxDepth = 16;
};

/// Reads a layout string. `panels` are the names that may stand in it. Errors name the column
/// (counted from 1), show the place, and suggest the nearest name.
[[nodiscard]] Result<Layout> parse_layout(std::string_view text,
                                          std::span<const std::string_view> panels);

/// The string that parses to this tree, without "layout=".
[[nodiscard]] std::string layout_text(const Layout& layout);

}  // namespace trapgate::gui

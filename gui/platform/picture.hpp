// SPDX-License-Identifier: GPL-2.0-only
// Pictures without a display: SDL's software renderer on a surface in memory. SDL is not
// initialised, no video driver is asked; the same frames give the same bytes everywhere.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace trapgate::gui {

/// Pixels in rows from the top, four bytes each: red, green, blue, alpha.
struct Picture {
    int width = 0;
    int height = 0;
    std::vector<std::byte> rgba;
    bool operator==(const Picture&) const = default;
};

/// Draws a few frames (until layout and scrolling have settled) and keeps the last one. `draw` is
/// called between NewFrame() and Render(). Needs a UiContext.
[[nodiscard]] Result<Picture> render_picture(int width, int height,
                                             const std::function<void()>& draw);

/// The picture as a PNG file's bytes.
[[nodiscard]] std::string png_bytes(const Picture& picture);

}  // namespace trapgate::gui

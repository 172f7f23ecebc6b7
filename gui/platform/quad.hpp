// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <imgui.h>

namespace trapgate::gui {

/// An upright rectangle of one colour, plain or with an upright part of the texture.
struct Quad {
    ImVec2 from, to;
    ImVec2 uv_from, uv_to;
    ImU32 color = 0;
    bool plain = false;  ///< All corners at one place of the texture, which is white there.
};

inline constexpr std::size_t kQuadIndices = 6;

/// The rectangle that the first two triangles make, in the order in which Dear ImGui writes
/// rectangles and letters; nothing if they make none.
[[nodiscard]] std::optional<Quad> quad_at(std::span<const ImDrawVert> vertices,
                                          std::span<const ImDrawIdx> indices);

}  // namespace trapgate::gui

// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/quad.hpp"

namespace trapgate::gui {
namespace {

// b, c and d stand where an upright rectangle from a to c has its corners.
bool upright(const ImVec2& a, const ImVec2& b, const ImVec2& c, const ImVec2& d) {
    return b.x == c.x && b.y == a.y && d.x == a.x && d.y == c.y;
}

}  // namespace

std::optional<Quad> quad_at(std::span<const ImDrawVert> vertices,
                            std::span<const ImDrawIdx> indices) {
    if (indices.size() < kQuadIndices || indices[3] != indices[0] || indices[4] != indices[2]) {
        return std::nullopt;
    }
    const ImDrawVert& a = vertices[indices[0]];
    const ImDrawVert& b = vertices[indices[1]];
    const ImDrawVert& c = vertices[indices[2]];
    const ImDrawVert& d = vertices[indices[5]];
    if (a.col != b.col || a.col != c.col || a.col != d.col ||
        !upright(a.pos, b.pos, c.pos, d.pos) || !upright(a.uv, b.uv, c.uv, d.uv) ||
        a.pos.x > c.pos.x || a.pos.y > c.pos.y || a.uv.x > c.uv.x || a.uv.y > c.uv.y) {
        return std::nullopt;
    }
    return Quad{.from = a.pos,
                .to = c.pos,
                .uv_from = a.uv,
                .uv_to = c.uv,
                .color = a.col,
                .plain = a.uv.x == c.uv.x && a.uv.y == c.uv.y};
}

}  // namespace trapgate::gui

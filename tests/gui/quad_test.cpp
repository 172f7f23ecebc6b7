// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/quad.hpp"

#include <array>

#include <gtest/gtest.h>

namespace trapgate::gui {
namespace {

constexpr ImU32 kColor = IM_COL32(1, 2, 3, 255);
constexpr std::array<ImDrawIdx, kQuadIndices> kOrder = {0, 1, 2, 0, 2, 3};

// The corners of (10, 20) to (30, 50) with that part of the texture.
std::array<ImDrawVert, 4> corners(ImVec2 uv_from, ImVec2 uv_to) {
    return {ImDrawVert{ImVec2(10, 20), uv_from, kColor},
            ImDrawVert{ImVec2(30, 20), ImVec2(uv_to.x, uv_from.y), kColor},
            ImDrawVert{ImVec2(30, 50), uv_to, kColor},
            ImDrawVert{ImVec2(10, 50), ImVec2(uv_from.x, uv_to.y), kColor}};
}

TEST(Quad, FindsFillsAndLetters) {
    const auto fill = quad_at(corners(ImVec2(0.5F, 0.5F), ImVec2(0.5F, 0.5F)), kOrder);
    ASSERT_TRUE(fill);
    EXPECT_TRUE(fill->plain);
    EXPECT_EQ(fill->from.x, 10);
    EXPECT_EQ(fill->to.y, 50);
    EXPECT_EQ(fill->color, kColor);
    const auto letter = quad_at(corners(ImVec2(0.25F, 0), ImVec2(0.5F, 0.125F)), kOrder);
    ASSERT_TRUE(letter);
    EXPECT_FALSE(letter->plain);
    EXPECT_EQ(letter->uv_to.y, 0.125F);
}

TEST(Quad, LeavesEverythingElseToTriangles) {
    const auto good = corners(ImVec2(0, 0), ImVec2(1, 1));
    auto slanted = good;
    slanted[1].pos.y += 1;
    EXPECT_FALSE(quad_at(slanted, kOrder));
    auto shaded = good;
    shaded[3].col = IM_COL32_WHITE;
    EXPECT_FALSE(quad_at(shaded, kOrder));
    auto mirrored = corners(ImVec2(1, 0), ImVec2(0, 1));
    EXPECT_FALSE(quad_at(mirrored, kOrder));
    auto inside_out = good;
    std::swap(inside_out[0].pos.x, inside_out[1].pos.x);
    std::swap(inside_out[2].pos.x, inside_out[3].pos.x);
    EXPECT_FALSE(quad_at(inside_out, kOrder));
    EXPECT_FALSE(quad_at(good, std::array<ImDrawIdx, 3>{0, 1, 2}));
    EXPECT_FALSE(quad_at(good, std::array<ImDrawIdx, 6>{0, 1, 2, 1, 2, 3}));
}

}  // namespace
}  // namespace trapgate::gui

// SPDX-License-Identifier: GPL-2.0-only
#include "gui/layout/layout_view.hpp"

#include <algorithm>
#include <cmath>

namespace trapgate::gui {
namespace {

using DrawPanel = std::function<void(std::string_view)>;

void draw_tabs(const Layout& layout, ImVec2 size, const DrawPanel& draw_panel) {
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
    const bool visible = ImGui::BeginChild("pane", size, false, ImGuiWindowFlags_NoScrollbar);
    ImGui::PopStyleVar();
    if (visible && ImGui::BeginTabBar("tabs")) {
        for (const std::string& panel : layout.panels) {
            if (ImGui::BeginTabItem(panel.c_str())) {
                if (ImGui::BeginChild("content", ImVec2(0, 0), false,
                                      ImGuiWindowFlags_AlwaysUseWindowPadding |
                                          ImGuiWindowFlags_HorizontalScrollbar)) {
                    draw_panel(panel);
                }
                ImGui::EndChild();
                ImGui::EndTabItem();
            }
        }
        ImGui::EndTabBar();
    }
    ImGui::EndChild();
}

// The bar between two parts; `along` is the pixel length that 100 per cent stand for.
void draw_splitter(Layout& layout, bool side_by_side, ImVec2 size, float along, float start) {
    ImGui::InvisibleButton("splitter", size);
    const bool held = ImGui::IsItemActive();
    if (held || ImGui::IsItemHovered()) {
        ImGui::SetMouseCursor(side_by_side ? ImGuiMouseCursor_ResizeEW : ImGuiMouseCursor_ResizeNS);
    }
    if (held && along > 0) {
        const ImVec2 mouse = ImGui::GetMousePos();
        const float share = ((side_by_side ? mouse.x : mouse.y) - start) / along;
        layout.percent = std::clamp(static_cast<int>(std::lround(share * 100)), Layout::kMinPercent,
                                    Layout::kMaxPercent);
    }
    const ImU32 color = ImGui::GetColorU32(
        held ? ImGuiCol_SeparatorActive
             : (ImGui::IsItemHovered() ? ImGuiCol_SeparatorHovered : ImGuiCol_Separator));
    const ImVec2 from = ImGui::GetItemRectMin();
    const ImVec2 to = ImGui::GetItemRectMax();
    const float middle = std::floor(side_by_side ? (from.x + to.x) / 2 : (from.y + to.y) / 2);
    ImGui::GetWindowDrawList()->AddRectFilled(
        side_by_side ? ImVec2(middle, from.y) : ImVec2(from.x, middle),
        side_by_side ? ImVec2(middle + 1, to.y) : ImVec2(to.x, middle + 1), color);
}

}  // namespace

void draw_layout(Layout& layout, ImVec2 size, const DrawPanel& draw_panel) {
    if (layout.kind == LayoutKind::Tabs) {
        draw_tabs(layout, size, draw_panel);
        return;
    }
    const bool side_by_side = layout.kind == LayoutKind::SideBySide;
    const float gap = std::floor(ImGui::GetFontSize() * 0.5F);
    const ImVec2 start = ImGui::GetCursorScreenPos();
    const float along = std::max(0.0F, (side_by_side ? size.x : size.y) - gap);
    const float first = std::floor(along * static_cast<float>(layout.percent) / 100.0F);
    // Dear ImGui takes a size of 0 for "all that is left".
    const auto part = [&](float length) {
        length = std::max(length, 1.0F);
        return side_by_side ? ImVec2(length, size.y) : ImVec2(size.x, length);
    };
    const auto at = [&](float offset) {
        ImGui::SetCursorScreenPos(side_by_side ? ImVec2(start.x + offset, start.y)
                                               : ImVec2(start.x, start.y + offset));
    };

    ImGui::PushID(0);
    draw_layout(layout.children[0], part(first), draw_panel);
    ImGui::PopID();
    at(first);
    draw_splitter(layout, side_by_side, part(gap), along, side_by_side ? start.x : start.y);
    at(first + gap);
    ImGui::PushID(1);
    draw_layout(layout.children[1], part(along - first), draw_panel);
    ImGui::PopID();
}

}  // namespace trapgate::gui

// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/text_lines.hpp"

#include <fmt/format.h>
#include <imgui.h>

#include "gui/panels/cell.hpp"

namespace trapgate::gui {

void TextLines::update(const std::shared_ptr<const void>& source,
                       const std::function<std::vector<std::string>()>& make) {
    if (source != source_) {
        source_ = source;
        lines_ = make();
    }
}

void TextLines::draw(const char* id, PanelState& state) {
    if (!ImGui::BeginChild(id, ImVec2(0, 0), false, ImGuiWindowFlags_HorizontalScrollbar)) {
        ImGui::EndChild();
        return;
    }
    // Asked before the new lines count: at the end before means at the end after.
    const bool at_end = ImGui::GetScrollY() >= ImGui::GetScrollMaxY();
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(0, 0));
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(lines_.size()));
    while (clipper.Step()) {
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
            const bool copies = state.copy.empty();
            cell(state, lines_[static_cast<std::size_t>(i)]);
            if (copies && !state.copy.empty()) {
                state.copy.push_back({"all lines", fmt::format("{}\n", fmt::join(lines_, "\n"))});
            }
        }
    }
    ImGui::PopStyleVar();
    if (at_end) {
        ImGui::SetScrollHereY(1.0F);
    }
    ImGui::EndChild();
}

}  // namespace trapgate::gui

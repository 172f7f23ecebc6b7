// SPDX-License-Identifier: GPL-2.0-only
#include <imgui.h>
#include <imgui_stdlib.h>

#include "gui/panels/cell.hpp"

namespace trapgate::gui {
namespace {

Tone tone_of(CommandEntry::Kind kind) {
    switch (kind) {
        case CommandEntry::Kind::Sent: return Tone::Heading;
        case CommandEntry::Kind::Answer: return Tone::Normal;
        case CommandEntry::Kind::Error: return Tone::Bad;
    }
    return Tone::Normal;
}

}  // namespace

void draw_commands(const kernel::SnapshotPtr& /*snapshot*/, PanelState& state) {
    const float input_height = ImGui::GetFrameHeightWithSpacing();
    if (ImGui::BeginChild("answers", ImVec2(0, state.run_command ? -input_height : 0), false,
                          ImGuiWindowFlags_HorizontalScrollbar)) {
        const bool at_end = ImGui::GetScrollY() >= ImGui::GetScrollMaxY();
        if (state.commands.empty()) {
            hint_text("Commands and their answers. \"help\" lists what there is.");
        }
        for (const CommandEntry& entry : state.commands) {
            cell(state, entry.text, tone_of(entry.kind));
        }
        if (at_end) {
            ImGui::SetScrollHereY(1.0F);
        }
    }
    ImGui::EndChild();
    if (!state.run_command) {
        return;
    }
    ImGui::SetNextItemWidth(-1);
    if (ImGui::InputTextWithHint("##command", "command, Enter runs it", &state.command_line,
                                 ImGuiInputTextFlags_EnterReturnsTrue) &&
        !state.command_line.empty()) {
        state.run_command(state.command_line);
        state.command_line.clear();
        ImGui::SetKeyboardFocusHere(-1);
    }
}

}  // namespace trapgate::gui

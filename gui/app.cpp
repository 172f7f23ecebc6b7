// SPDX-License-Identifier: GPL-2.0-only
#include "gui/app.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <imgui.h>

#include "gui/layout/layout_view.hpp"
#include "gui/layout/presets.hpp"
#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"

namespace trapgate::gui {
namespace {

constexpr std::array kZooms = {0.75F, 1.0F, 1.25F, 1.5F, 2.0F, 2.5F, 3.0F};
constexpr std::size_t kFirstZoom = 1;  // its place in kZooms
constexpr std::size_t kMostCommandEntries = 1000;
constexpr const char* kCopyMenu = "copy menu";

constexpr ImGuiWindowFlags kRootFlags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                                        ImGuiWindowFlags_NoSavedSettings |
                                        ImGuiWindowFlags_NoBringToFrontOnFocus |
                                        ImGuiWindowFlags_NoScrollWithMouse;

}  // namespace

App::App(Guest& guest, Layout layout)
    : guest_(guest), layout_(std::move(layout)), zoom_(kFirstZoom) {
    panels_.run_command = [this](std::string line) { send(std::move(line)); };
}

float App::zoom() const { return kZooms[zoom_]; }

bool App::live() const { return guest_.busy() || guest_.snapshot()->running; }

void App::act(Action action) {
    const ActionInfo& info = action_info(action);
    if (!info.command.empty()) {
        send(std::string(info.command));
        return;
    }
    switch (action) {
        case Action::NextLayout: show_preset((preset_ + 1) % layout_presets().size()); break;
        case Action::ZoomIn: zoom_ = std::min(zoom_ + 1, kZooms.size() - 1); break;
        case Action::ZoomOut: zoom_ -= zoom_ == 0 ? 0 : 1; break;
        case Action::ZoomReset: zoom_ = kFirstZoom; break;
        case Action::Help: help_ = !help_; break;
        case Action::Quit: quit_ = true; break;
        case Action::Continue:
        case Action::Pause:
        case Action::StepInto: break;  // commands, sent above
    }
}

void App::press(const Chord& chord) {
    const bool escape = chord == Chord{.key = "Esc"};
    if (escape && !copy_.empty()) {
        copy_.clear();
    } else if (escape && help_) {
        help_ = false;
    } else if (const ActionInfo* info = keys_.find(chord)) {
        act(info->action);
    }
}

void App::send(std::string line) {
    last_error_.clear();
    guest_.send(std::move(line));
}

void App::take_answers() {
    auto& log = panels_.commands;
    for (Answer& answer : guest_.take_answers()) {
        log.push_back({"> " + answer.line, CommandEntry::Kind::Sent});
        if (!answer.text) {
            last_error_ = answer.text.error().message();
            log.push_back({last_error_, CommandEntry::Kind::Error});
            continue;
        }
        for (std::string& line : terminal_lines(*answer.text)) {
            log.push_back({std::move(line), CommandEntry::Kind::Answer});
        }
    }
    if (log.size() > kMostCommandEntries) {
        log.erase(log.begin(), log.end() - static_cast<std::ptrdiff_t>(kMostCommandEntries));
    }
}

void App::show_preset(std::size_t index) {
    auto layout = choose_layout(layout_presets()[index].name);
    if (layout) {
        preset_ = index;
        layout_ = std::move(*layout);
    }
}

void App::draw() {
    ImGui::SetNextWindowPos(ImVec2(0, 0));
    ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
    ImGui::Begin("trapgate", nullptr, kRootFlags);
    draw_content();
    ImGui::End();
    if (help_) {
        draw_help();
    }
}

void App::draw_content() {
    take_answers();
    const kernel::SnapshotPtr snapshot = guest_.snapshot();
    stops_.observe(snapshot);
    panels_.before = stops_.before();

    draw_toolbar(*snapshot);
    const float status_height = ImGui::GetTextLineHeightWithSpacing() + 2;
    ImVec2 room = ImGui::GetContentRegionAvail();
    room.y = std::max(room.y - status_height, 1.0F);
    const ImVec2 start = ImGui::GetCursorScreenPos();
    draw_layout(layout_, room, [&](std::string_view name) {
        if (const Panel* panel = find_panel(name)) {
            panel->draw(snapshot, panels_);
        }
    });
    ImGui::SetCursorScreenPos(ImVec2(start.x, start.y + room.y + 2));
    ImGui::Separator();
    draw_status(snapshot, panels_);
    draw_copy_menu();
}

void App::draw_toolbar(const kernel::SessionSnapshot& snapshot) {
    const auto button = [&](Action action, const char* label, bool enabled) {
        ImGui::BeginDisabled(!enabled);
        const std::string text = fmt::format("{} ({})", label, keys_.keys_text(action));
        if (ImGui::Button(text.c_str())) {
            act(action);
        }
        ImGui::EndDisabled();
        ImGui::SameLine();
    };
    button(Action::Continue, "Continue", !snapshot.running && !snapshot.ended);
    button(Action::Pause, "Pause", snapshot.running);
    button(Action::StepInto, "Step", !snapshot.running && !snapshot.ended);

    ImGui::SameLine(0, ImGui::GetFontSize() * 2);
    ImGui::AlignTextToFramePadding();
    cell(panels_, "Layout", Tone::Dim);
    for (std::size_t i = 0; i < layout_presets().size(); ++i) {
        const LayoutPreset& preset = layout_presets()[i];
        ImGui::SameLine();
        if (ImGui::Button(std::string(preset.name).c_str())) {
            show_preset(i);
        }
        if (ImGui::IsItemHovered()) {
            ImGui::SetTooltip("%s", std::string(preset.purpose).c_str());
        }
    }
    ImGui::SameLine(0, ImGui::GetFontSize() * 2);
    button(Action::Help, "Help", true);
    if (!last_error_.empty()) {
        cell(panels_, "! " + last_error_, Tone::Bad);
    } else {
        ImGui::NewLine();
    }
}

void App::draw_help() {
    const ImVec2 screen = ImGui::GetIO().DisplaySize;
    ImGui::SetNextWindowPos(ImVec2(screen.x / 2, screen.y / 2), ImGuiCond_Always,
                            ImVec2(0.5F, 0.5F));
    const float margin = ImGui::GetFontSize();
    ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(margin, margin));
    ImGui::PushStyleColor(ImGuiCol_WindowBg, ImGui::GetStyleColorVec4(ImGuiCol_PopupBg));
    if (ImGui::Begin("Keys", &help_,
                     ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoSavedSettings |
                         ImGuiWindowFlags_NoCollapse)) {
        if (ImGui::BeginTable("keys", 2, ImGuiTableFlags_SizingFixedFit)) {
            const auto row = [&](std::string_view key, std::string_view help) {
                ImGui::TableNextRow();
                ImGui::TableNextColumn();
                cell(panels_, key, Tone::Heading);
                ImGui::TableNextColumn();
                cell(panels_, help);
            };
            for (const ActionInfo& info : action_table()) {
                row(keys_.keys_text(info.action), info.help);
            }
            row("right click", "copy what the mouse points at");
            row("drag", "a bar between panels moves it");
            ImGui::EndTable();
        }
    }
    ImGui::End();
    ImGui::PopStyleColor();
    ImGui::PopStyleVar(2);
}

void App::draw_copy_menu() {
    if (!panels_.copy.empty()) {
        copy_ = std::exchange(panels_.copy, {});
        ImGui::OpenPopup(kCopyMenu);
    }
    if (!ImGui::BeginPopup(kCopyMenu)) {
        copy_.clear();
        return;
    }
    if (copy_.empty()) {
        ImGui::CloseCurrentPopup();
    }
    constexpr std::size_t kShown = 40;
    for (const CopyChoice& choice : copy_) {
        std::string sample = choice.text.substr(0, std::min(kShown, choice.text.find('\n')));
        sample += sample.size() < choice.text.size() ? "..." : "";
        ImGui::PushID(choice.label.c_str());
        if (ImGui::MenuItem(fmt::format("Copy {}", choice.label).c_str(), sample.c_str())) {
            ImGui::SetClipboardText(choice.text.c_str());
        }
        ImGui::PopID();
    }
    ImGui::EndPopup();
}

}  // namespace trapgate::gui

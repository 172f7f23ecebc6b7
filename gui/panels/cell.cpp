// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/cell.hpp"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "gui/panels/text.hpp"

namespace trapgate::gui {
namespace {

// What its column cuts off is shown when the mouse points at it.
void colored_text(std::string_view text, Tone tone) {
    ImGui::PushStyleColor(ImGuiCol_Text, tone_color(tone));
    ImGui::TextUnformatted(text.data(), text.data() + text.size());
    ImGui::PopStyleColor();
    if (ImGui::IsItemHovered() &&
        ImGui::GetItemRectMax().x > ImGui::GetWindowDrawList()->GetClipRectMax().x) {
        ImGui::BeginTooltip();
        ImGui::PushTextWrapPos(ImGui::GetFontSize() * 40);
        ImGui::TextUnformatted(text.data(), text.data() + text.size());
        ImGui::PopTextWrapPos();
        ImGui::EndTooltip();
    }
}

bool copy_wanted() {
    return ImGui::IsItemHovered() && ImGui::IsMouseReleased(ImGuiMouseButton_Right);
}

std::vector<CopyChoice> number_choices(std::uint64_t value) {
    return {{"hex", fmt::format("{:#x}", value)},
            {"decimal", fmt::format("{}", value)},
            {"signed", fmt::format("{}", static_cast<std::int64_t>(value))}};
}

std::string number_text(std::uint64_t value, NumberFormat format) {
    switch (format) {
        case NumberFormat::Hex: return hex16(value);
        case NumberFormat::Unsigned: return fmt::format("{:>20}", value);
        case NumberFormat::Signed: return fmt::format("{:>20}", static_cast<std::int64_t>(value));
    }
    return {};
}

}  // namespace

void cell(PanelState& state, std::string_view text, Tone tone, std::vector<CopyChoice> more) {
    colored_text(text, tone);
    if (copy_wanted()) {
        state.copy = {{"text", std::string(text)}};
        state.copy.insert(state.copy.end(), std::move_iterator(more.begin()),
                          std::move_iterator(more.end()));
    }
}

void count_cell(PanelState& state, std::uint64_t value, Tone tone) {
    colored_text(grouped(value), value == 0 && tone == Tone::Normal ? Tone::Dim : tone);
    if (copy_wanted()) {
        state.copy = number_choices(value);
    }
}

void value_cell(PanelState& state, std::uint64_t value, NumberFormat format, Tone tone) {
    colored_text(number_text(value, format), value == 0 && tone == Tone::Normal ? Tone::Dim : tone);
    if (copy_wanted()) {
        state.copy = number_choices(value);
    }
}

void header_row() {
    ImGui::PushStyleColor(ImGuiCol_Text, tone_color(Tone::Dim));
    ImGui::TableHeadersRow();
    ImGui::PopStyleColor();
}

void hint_text(std::string_view text) {
    ImGui::PushStyleColor(ImGuiCol_Text, tone_color(Tone::Dim));
    ImGui::PushTextWrapPos(0);
    ImGui::TextUnformatted(text.data(), text.data() + text.size());
    ImGui::PopTextWrapPos();
    ImGui::PopStyleColor();
}

void choice_buttons(std::span<const std::string_view> names, int& choice) {
    for (int i = 0; i < std::ssize(names); ++i) {
        if (i > 0) {
            ImGui::SameLine();
        }
        ImGui::RadioButton(std::string(names[static_cast<std::size_t>(i)]).c_str(), &choice, i);
    }
}

bool begin_table(const char* id, std::span<const Column> columns, int rows_high) {
    const ImGuiTableFlags flags = ImGuiTableFlags_ScrollY | ImGuiTableFlags_RowBg |
                                  ImGuiTableFlags_SizingFixedFit;
    const ImGuiStyle& style = ImGui::GetStyle();
    const float row = ImGui::GetTextLineHeight() + style.CellPadding.y * 2;
    const ImVec2 size(0, rows_high == 0 ? 0 : row * static_cast<float>(rows_high + 1) + 2);
    if (!ImGui::BeginTable(id, static_cast<int>(columns.size()), flags, size)) {
        return false;
    }
    for (const Column& column : columns) {
        ImGui::TableSetupColumn(column.name, column.stretch ? ImGuiTableColumnFlags_WidthStretch
                                                            : ImGuiTableColumnFlags_WidthFixed);
    }
    ImGui::TableSetupScrollFreeze(0, 1);
    header_row();
    return true;
}

}  // namespace trapgate::gui

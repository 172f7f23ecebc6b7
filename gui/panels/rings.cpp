// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"

namespace trapgate::gui {
namespace {

using kernel::RingRecord;
using kernel::RingView;

// Programs need not name their maps.
std::string name_of(const RingView& ring) {
    return ring.name.empty() ? fmt::format("ring {}", ring.id) : ring.name;
}

const RingView& selected(const std::vector<RingView>& rings, const PanelState& state) {
    const auto found = std::ranges::find_if(
        rings, [&](const RingView& ring) { return state.selected_ring == ring.id; });
    return found == rings.end() ? rings.front() : *found;
}

void draw_list(const std::vector<RingView>& rings, const RingView& current, PanelState& state) {
    constexpr std::array kColumns = {Column{"ring"},     Column{"records"},  Column{"dropped"},
                                     Column{"producer"}, Column{"consumer"}, Column{"bytes"},
                                     Column{"id", true}};
    constexpr int kMostRows = 4;
    if (!begin_table("list", kColumns, std::min(static_cast<int>(rings.size()), kMostRows))) {
        return;
    }
    for (const RingView& ring : rings) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::PushID(static_cast<int>(ring.id));
        if (ImGui::Selectable(
                name_of(ring).c_str(), ring.id == current.id,
                ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowItemOverlap)) {
            state.selected_ring = ring.id;
        }
        ImGui::PopID();
        ImGui::TableNextColumn();
        count_cell(state, ring.records);
        ImGui::TableNextColumn();
        count_cell(state, ring.dropped, ring.dropped == 0 ? Tone::Normal : Tone::Bad);
        ImGui::TableNextColumn();
        count_cell(state, ring.producer);
        ImGui::TableNextColumn();
        count_cell(state, ring.consumer);
        ImGui::TableNextColumn();
        count_cell(state, ring.bytes);
        ImGui::TableNextColumn();
        cell(state, fmt::format("{}", ring.id), Tone::Dim);
    }
    ImGui::EndTable();
}

// The ring laid out flat: what is between consumer and producer, round the end if need be, is
// filled; a notch stands where the next record goes.
void draw_bar(const RingView& ring, PanelState& state) {
    // Positions come from guest memory and may be anything.
    const std::uint64_t size = std::max<std::uint64_t>(ring.bytes, 1);
    const std::uint64_t unread = std::min(ring.producer - ring.consumer, size);
    const ImVec2 from = ImGui::GetCursorScreenPos();
    const float width = std::max(ImGui::GetContentRegionAvail().x, 1.0F);
    const float height = ImGui::GetTextLineHeight() * 0.6F;
    const auto x_of = [&](std::uint64_t offset) {
        return from.x +
               width * static_cast<float>(static_cast<double>(offset) / static_cast<double>(size));
    };
    ImDrawList& draw = *ImGui::GetWindowDrawList();
    const auto fill = [&](std::uint64_t begin, std::uint64_t end, ImU32 color) {
        draw.AddRectFilled(ImVec2(x_of(begin), from.y), ImVec2(x_of(end), from.y + height), color);
    };
    fill(0, size, bar_ground_color());
    const std::uint64_t begin = ring.consumer % size;
    fill(begin, std::min(begin + unread, size), bar_fill_color());
    if (begin + unread > size) {
        fill(0, begin + unread - size, bar_fill_color());
    }
    const float notch = x_of(ring.producer % size);
    draw.AddRectFilled(ImVec2(notch, from.y), ImVec2(notch + 2, from.y + height),
                       ImGui::ColorConvertFloat4ToU32(tone_color(Tone::Normal)));
    ImGui::Dummy(ImVec2(width, height));
    cell(state,
         fmt::format("{} of {} bytes unread ({} %), next record at {}", grouped(unread),
                     grouped(ring.bytes), unread * 100 / size, grouped(ring.producer % size)));
}

void draw_records(const RingView& ring, PanelState& state) {
    constexpr std::array kColumns = {Column{"#"}, Column{"bytes"}, Column{"record", true}};
    if (!begin_table("records", kColumns)) {
        return;
    }
    const bool at_end = ImGui::GetScrollY() >= ImGui::GetScrollMaxY();
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(ring.last.size()));
    while (clipper.Step()) {
        for (int row = clipper.DisplayStart; row < clipper.DisplayEnd; ++row) {
            const RingRecord& record = ring.last[static_cast<std::size_t>(row)];
            const std::string hex = hex_bytes(record.bytes);
            ImGui::TableNextRow();
            ImGui::TableNextColumn();
            cell(state, fmt::format("{}", record.number), Tone::Dim);
            ImGui::TableNextColumn();
            count_cell(state, record.bytes.size());
            ImGui::TableNextColumn();
            cell(state, state.rings_in_hex ? hex : record.text, Tone::Normal, {{"bytes", hex}});
        }
    }
    if (at_end) {
        ImGui::SetScrollHereY(1.0F);
    }
    ImGui::EndTable();
}

}  // namespace

void draw_rings(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    if (snapshot->rings.empty()) {
        hint_text("No ring buffers. Start with -b FILE.bpf.o of a program that has one.");
        return;
    }
    const RingView& ring = selected(snapshot->rings, state);
    draw_list(snapshot->rings, ring, state);
    draw_bar(ring, state);

    ImGui::AlignTextToFramePadding();
    cell(state, name_of(ring), Tone::Heading);
    if (ring.last.empty()) {
        ImGui::SameLine();
        hint_text("no records yet");
        return;
    }
    ImGui::SameLine();
    ImGui::Checkbox("bytes in hex", &state.rings_in_hex);
    if (ring.last.size() < ring.records) {
        ImGui::SameLine();
        cell(state,
             fmt::format("the last {} of {}", grouped(ring.last.size()), grouped(ring.records)),
             Tone::Dim);
    }
    draw_records(ring, state);
}

}  // namespace trapgate::gui

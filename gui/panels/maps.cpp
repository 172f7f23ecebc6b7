// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"

namespace trapgate::gui {
namespace {

using kernel::MapElement;
using kernel::MapView;

// Programs need not name their maps.
std::string name_of(const MapView& map) {
    return map.name.empty() ? fmt::format("map {}", map.id) : map.name;
}

const MapView* find_map(const std::vector<MapView>& maps, std::uint32_t id) {
    const auto found = std::ranges::find(maps, id, &MapView::id);
    return found == maps.end() ? nullptr : &*found;
}

// The map that was clicked last, or else the first one with elements.
const MapView& selected(const std::vector<MapView>& maps, const PanelState& state) {
    if (state.selected_map) {
        if (const MapView* map = find_map(maps, *state.selected_map)) {
            return *map;
        }
    }
    const auto first = std::ranges::find_if(maps,
                                            [](const MapView& m) { return !m.elements.empty(); });
    return first == maps.end() ? maps.front() : *first;
}

enum class Change { None, New, Value };

// Elements come in key order, so the same key is most often found at the same index.
Change change_of(const MapElement& element, std::size_t index, const MapView* before) {
    if (before == nullptr) {
        return Change::None;
    }
    const auto& old = before->elements;
    auto same = old.begin() + static_cast<std::ptrdiff_t>(std::min(index, old.size()));
    if (same == old.end() || same->key != element.key) {
        same = std::ranges::find(old, element.key, &MapElement::key);
    }
    if (same == old.end()) {
        return Change::New;
    }
    return same->value == element.value ? Change::None : Change::Value;
}

bool all_zero(const MapElement& element) {
    return std::ranges::all_of(element.value, [](std::byte byte) { return byte == std::byte{0}; });
}

void draw_list(const std::vector<MapView>& maps, const MapView& current, PanelState& state) {
    constexpr std::array kColumns = {Column{"map"},     Column{"type"},      Column{"elements"},
                                     Column{"room"},    Column{"key bytes"}, Column{"value bytes"},
                                     Column{"id", true}};
    constexpr int kMostRows = 6;
    if (!begin_table("list", kColumns, std::min(static_cast<int>(maps.size()), kMostRows))) {
        return;
    }
    for (const MapView& map : maps) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::PushID(static_cast<int>(map.id));
        if (ImGui::Selectable(
                name_of(map).c_str(), map.id == current.id,
                ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowItemOverlap)) {
            state.selected_map = map.id;
        }
        ImGui::PopID();
        ImGui::TableNextColumn();
        cell(state, map.type);
        ImGui::TableNextColumn();
        count_cell(state, map.element_count);
        ImGui::TableNextColumn();
        count_cell(state, map.max_entries);
        ImGui::TableNextColumn();
        count_cell(state, map.key_bytes);
        ImGui::TableNextColumn();
        count_cell(state, map.value_bytes);
        ImGui::TableNextColumn();
        cell(state, fmt::format("{}", map.id), Tone::Dim);
    }
    ImGui::EndTable();
}

void draw_element(const MapElement& element, Change change, PanelState& state) {
    const Tone unchanged = all_zero(element) ? Tone::Dim : Tone::Normal;
    const Tone tone = change == Change::None ? unchanged : Tone::Changed;
    const std::string key_hex = hex_bytes(element.key);
    const std::string value_hex = hex_bytes(element.value);
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    cell(state, change == Change::None ? " " : (change == Change::New ? "+" : "*"), tone);
    ImGui::TableNextColumn();
    cell(state, state.maps_in_hex ? key_hex : element.key_text, tone,
         {{"bytes", key_hex}, {"entry", element.key_text + ": " + element.value_text}});
    ImGui::TableNextColumn();
    cell(state, state.maps_in_hex ? value_hex : element.value_text, tone,
         {{"bytes", value_hex}, {"entry", element.key_text + ": " + element.value_text}});
}

void draw_elements(const MapView& map, const MapView* before, PanelState& state) {
    constexpr std::array kColumns = {Column{" "}, Column{"key"}, Column{"value", true}};
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < map.elements.size(); ++i) {
        if (!state.hide_zeros || !all_zero(map.elements[i])) {
            rows.push_back(i);
        }
    }
    if (!begin_table("elements", kColumns)) {
        return;
    }
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(rows.size()));
    while (clipper.Step()) {
        for (int row = clipper.DisplayStart; row < clipper.DisplayEnd; ++row) {
            const std::size_t i = rows[static_cast<std::size_t>(row)];
            draw_element(map.elements[i], change_of(map.elements[i], i, before), state);
        }
    }
    ImGui::EndTable();
}

}  // namespace

void draw_maps(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    const std::vector<MapView>& maps = snapshot->maps;
    if (maps.empty()) {
        hint_text("No eBPF maps. Start with -b FILE.bpf.o.");
        return;
    }
    const MapView& map = selected(maps, state);
    draw_list(maps, map, state);

    ImGui::AlignTextToFramePadding();
    cell(state, name_of(map), Tone::Heading);
    if (map.elements.empty()) {
        hint_text(map.type == "ringbuf" ? "A ring buffer: the Rings panel shows it."
                                        : "No elements.");
        return;
    }
    ImGui::SameLine();
    ImGui::Checkbox("bytes in hex", &state.maps_in_hex);
    ImGui::SameLine();
    ImGui::Checkbox("hide zeros", &state.hide_zeros);
    if (map.elements.size() < map.element_count) {
        ImGui::SameLine();
        cell(state,
             fmt::format("the first {} of {}", grouped(map.elements.size()),
                         grouped(map.element_count)),
             Tone::Dim);
    }
    draw_elements(map, state.before ? find_map(state.before->maps, map.id) : nullptr, state);
}

}  // namespace trapgate::gui

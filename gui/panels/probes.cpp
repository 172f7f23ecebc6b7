// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"

namespace trapgate::gui {
namespace {

bool hit_since(const kernel::ProbeView& probe, const PanelState& state) {
    if (!state.before) {
        return false;
    }
    const auto& old = state.before->probes;
    const auto same = std::ranges::find_if(old, [&](const kernel::ProbeView& other) {
        return other.event == probe.event && other.address == probe.address;
    });
    return same != old.end() && same->hits != probe.hits;
}

}  // namespace

void draw_probes(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    constexpr std::array kColumns = {Column{"event"},   Column{"hits"},  Column{"missed"},
                                     Column{"program"}, Column{"where"}, Column{"address", true}};
    if (snapshot->probes.empty()) {
        hint_text("No probes. Start with -p SYMBOL, or with -b FILE.bpf.o.");
        return;
    }
    if (!begin_table("probes", kColumns)) {
        return;
    }
    for (const kernel::ProbeView& probe : snapshot->probes) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        cell(state, probe.event);
        ImGui::TableNextColumn();
        const bool changed = hit_since(probe, state);
        cell(state, fmt::format("{}{}", changed ? "*" : "", grouped(probe.hits)),
             changed ? Tone::Changed : Tone::Normal);
        ImGui::TableNextColumn();
        count_cell(state, probe.missed, probe.missed == 0 ? Tone::Normal : Tone::Bad);
        ImGui::TableNextColumn();
        cell(state, probe.program.empty() ? "-" : probe.program,
             probe.program.empty() ? Tone::Dim : Tone::Normal);
        ImGui::TableNextColumn();
        cell(state, probe.where);
        ImGui::TableNextColumn();
        value_cell(state, probe.address.value, NumberFormat::Hex, Tone::Dim);
    }
    ImGui::EndTable();
}

}  // namespace trapgate::gui

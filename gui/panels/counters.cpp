// SPDX-License-Identifier: GPL-2.0-only
#include <array>

#include <fmt/format.h>

#include "gui/panels/cell.hpp"

namespace trapgate::gui {
namespace {

void row(PanelState& state, const std::string& name, std::uint64_t value,
         std::optional<std::uint64_t> before) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    cell(state, name, Tone::Dim);
    ImGui::TableNextColumn();
    count_cell(state, value);
    ImGui::TableNextColumn();
    if (before && value > *before) {
        cell(state, fmt::format("+{}", value - *before), Tone::Changed);
    }
}

}  // namespace

void draw_counters(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    constexpr std::array kColumns = {Column{"counter"}, Column{"value"},
                                     Column{"since the last stop", true}};
    const emu::Counters& now = snapshot->counters;
    const emu::Counters* before = state.before ? &state.before->counters : nullptr;
    const auto old = [&](std::uint64_t value) {
        return before == nullptr ? std::nullopt : std::optional(value);
    };
    const emu::Counters& then = before == nullptr ? now : *before;
    if (!begin_table("counters", kColumns)) {
        return;
    }
    row(state, "instructions", now.instructions, old(then.instructions));
    row(state, fmt::format("cycles ({})", snapshot->model), now.cycles.value,
        old(then.cycles.value));
    row(state, "blocks", now.blocks, old(then.blocks));
    row(state, "interrupts", now.interrupts, old(then.interrupts));
    for (std::size_t vector = 0; vector < now.exceptions.size(); ++vector) {
        if (now.exceptions[vector] != 0) {
            row(state,
                fmt::format("exception {} ({})", vector,
                            cpu::vector_name(static_cast<std::uint8_t>(vector))),
                now.exceptions[vector], old(then.exceptions[vector]));
        }
    }
    ImGui::EndTable();
}

}  // namespace trapgate::gui

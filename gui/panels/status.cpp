// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::gui {
namespace {

// A sign, a word and a colour for the same thing.
struct State {
    std::string text;
    Tone tone;
};

State state_of(const kernel::SessionSnapshot& snapshot) {
    if (snapshot.running) {
        return {"> running", Tone::Good};
    }
    if (!snapshot.ended) {
        return {"|| paused", Tone::Changed};
    }
    std::string text = fmt::format("[] ended: {}", kernel::reason_name(snapshot.stop.reason));
    if (snapshot.stop.reason == emu::StopReason::GuestExit ||
        snapshot.stop.reason == emu::StopReason::Panic) {
        text += fmt::format(", status {}", snapshot.stop.status);
    }
    return {std::move(text), kernel::exit_status(snapshot.stop) == 0 ? Tone::Good : Tone::Bad};
}

}  // namespace

void draw_status(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    const auto [text, tone] = state_of(*snapshot);
    const auto item = [&](std::string_view part, Tone part_tone) {
        ImGui::SameLine(0, ImGui::GetFontSize() * 2);
        cell(state, part, part_tone);
    };
    cell(state, text, tone);
    item(snapshot->location, Tone::Normal);
    item(fmt::format("{} cycles ({})", grouped(snapshot->counters.cycles.value), snapshot->model),
         Tone::Normal);
    item(fmt::format("{} instructions", grouped(snapshot->counters.instructions)), Tone::Normal);
    item(fmt::format("ring {}", snapshot->registers.cpl), Tone::Dim);
}

}  // namespace trapgate::gui

// SPDX-License-Identifier: GPL-2.0-only
#include "gui/layout/presets.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "base/nearest.hpp"
#include "gui/panels/panel.hpp"

namespace trapgate::gui {
namespace {

constexpr std::array kPresets = {
    LayoutPreset{"Debug", "registers and console beside probes, maps and rings",
                 "h(52,v(68,Registers,t(Console,Commands)),v(26,t(Probes,Trace,Counters),v(50,Maps,"
                 "Rings)))"},
    LayoutPreset{
        "BPF", "maps, rings and trace of eBPF programs",
        "h(50,v(60,Maps,Probes),v(60,Rings,t(Trace,Console,Registers,Counters,Commands)))"},
    LayoutPreset{"Machine", "what the CPU and the guest do",
                 "h(60,v(60,Registers,Counters),t(Console,Trace,Commands))"},
};

bool same_word(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::span<const LayoutPreset> layout_presets() { return kPresets; }

Result<Layout> choose_layout(std::string_view text) {
    const std::vector<std::string_view> panels = panel_names();
    const auto preset = std::ranges::find_if(
        kPresets, [&](const LayoutPreset& candidate) { return same_word(candidate.name, text); });
    if (preset != kPresets.end()) {
        return parse_layout(preset->layout, panels);
    }
    auto layout = parse_layout(text, panels);
    if (!layout && text.find_first_of("(,=") == std::string_view::npos) {
        // A lone word that is no panel was more likely meant to be a preset.
        std::vector<std::string_view> names = panels;
        std::ranges::transform(kPresets, std::back_inserter(names), &LayoutPreset::name);
        const auto near = nearest_names(text, names, 1);
        std::vector<std::string_view> presets(names.begin() + std::ssize(panels), names.end());
        return fail(fmt::format("there is no preset or panel '{}'", text), "layout",
                    near.empty() ? fmt::format("presets are {}", fmt::join(presets, ", "))
                                 : did_you_mean(near));
    }
    return layout;
}

}  // namespace trapgate::gui

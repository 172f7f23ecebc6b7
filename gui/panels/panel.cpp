// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/panel.hpp"

#include <algorithm>
#include <array>

namespace trapgate::gui {
namespace {

constexpr std::array kPanels = {
    Panel{"Registers", "general, flags, segment and control registers", draw_registers},
    Panel{"Counters", "instructions, cycles, interrupts and exceptions", draw_counters},
    Panel{"Console", "what the guest wrote", draw_console},
    Panel{"Probes", "probes with their hits and misses", draw_probes},
    Panel{"Maps", "eBPF maps and their elements", draw_maps},
    Panel{"Rings", "ring buffers: positions, fill and records", draw_rings},
    Panel{"Trace", "bpf_trace_printk and probe events", draw_trace},
    Panel{"Commands", "type commands, read their answers", draw_commands},
};

}  // namespace

std::span<const Panel> panel_table() { return kPanels; }

std::vector<std::string_view> panel_names() {
    std::vector<std::string_view> names(kPanels.size());
    std::ranges::transform(kPanels, names.begin(), &Panel::name);
    return names;
}

const Panel* find_panel(std::string_view name) {
    const auto* const found = std::ranges::find(kPanels, name, &Panel::name);
    return found == kPanels.end() ? nullptr : &*found;
}

}  // namespace trapgate::gui

// SPDX-License-Identifier: GPL-2.0-only
#include "cli/run_result.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/errors.hpp"
#include "cli/value_text.hpp"

namespace trapgate::cli {
namespace {

using emu::StopReason;

constexpr int kSignalBase = 128;

// Not by the guest, nor by a limit: nothing to blame on anybody.
bool stopped_from_outside(const RunResult& result) {
    return !result.reached.empty() || result.signal != 0 || result.left ||
           result.replayed.has_value();
}

// "status 0" for what the guest itself says, else where it was.
std::string reason_text(const RunResult& result) {
    const emu::StopEvent& stop = result.last.stop;
    if (!result.reached.empty()) {
        return fmt::format("reached {}", result.reached);
    }
    if (result.signal != 0) {
        return fmt::format("interrupted at {}", result.last.location);
    }
    if (result.left) {
        return fmt::format("left at {}", result.last.location);
    }
    if (result.replayed) {
        return fmt::format("end of the recorded run ({}) at {}", result.replayed->why,
                           result.last.location);
    }
    switch (stop.reason) {
        case StopReason::GuestExit:
        case StopReason::Panic:
            return fmt::format("{}, status {}", kernel::reason_name(stop.reason), stop.status);
        case StopReason::Shutdown: return std::string(kernel::reason_name(stop.reason));
        default:
            return fmt::format("{} at {}", kernel::reason_name(stop.reason), result.last.location);
    }
}

std::string_view hint_for(const RunResult& result) {
    if (stopped_from_outside(result)) {
        return "";
    }
    switch (result.last.stop.reason) {
        case StopReason::Panic:
            return "the guest's kernel gave up; its last words are on the console";
        case StopReason::TripleFault:
            return "an exception found no handler, and neither did the double fault that followed: "
                   "look at the IDT and the stack";
        case StopReason::Dead: return "the CPU halted with interrupts off: nothing can wake it";
        case StopReason::InsnLimit:
        case StopReason::CycleLimit:
        case StopReason::TimeLimit:
            return "the guest was still running; -p SYMBOL shows whether it gets anywhere";
        default: return "";
    }
}

std::string registers_text(const kernel::SessionSnapshot& last) {
    std::string text = "registers:\n";
    for (std::size_t i = 0; i < cpu::kGprCount; ++i) {
        text += fmt::format("{}{:<4}{:016x}{}", i % 3 == 0 ? "  " : "",
                            cpu::gpr_name(static_cast<cpu::Gpr>(i)), last.registers.gpr[i],
                            i % 3 == 2 || i + 1 == cpu::kGprCount ? "\n" : "   ");
    }
    return text + fmt::format("  rip {:016x}   {}\n", last.registers.rip, last.location);
}

std::string probes_text(const std::vector<kernel::ProbeView>& probes) {
    std::size_t event_width = 0;
    std::size_t where_width = 0;
    for (const kernel::ProbeView& probe : probes) {
        event_width = std::max(event_width, probe.event.size());
        where_width = std::max(where_width, probe.where.size());
    }
    std::string text = "probes:\n";
    for (const kernel::ProbeView& probe : probes) {
        text += fmt::format("  {:<{}}  {:<{}}  {:016x}  hits {}  missed {}", probe.event,
                            event_width, probe.where, where_width, probe.address.value, probe.hits,
                            probe.missed);
        for (const kernel::MissReason& miss : probe.misses) {
            text += fmt::format(" ({} {})", miss.count, miss.reason);
        }
        text += probe.filtered == 0 ? "" : fmt::format("  filtered {}", probe.filtered);
        text += probe.program.empty() ? "\n" : fmt::format("  program {}\n", probe.program);
    }
    return text;
}

std::string maps_text(const std::vector<kernel::MapView>& maps) {
    std::string text = "maps:\n";
    for (const kernel::MapView& map : maps) {
        text += fmt::format("  {} ({}, {} element{})\n", map.name, map.type, map.element_count,
                            map.element_count == 1 ? "" : "s");
        for (const kernel::MapElement& element : map.elements) {
            text += fmt::format("    {}: {}\n", plain_value(element.key_text),
                                plain_value(element.value_text));
        }
        if (map.element_count > map.elements.size()) {
            text += fmt::format("    ... {} more\n", map.element_count - map.elements.size());
        }
    }
    return text;
}

std::string rings_text(const std::vector<kernel::RingView>& rings) {
    std::string text = "rings:\n";
    for (const kernel::RingView& ring : rings) {
        text += fmt::format("  {}: {} record{}, {} dropped\n", ring.name, ring.records,
                            ring.records == 1 ? "" : "s", ring.dropped);
    }
    return text;
}

}  // namespace

std::string ending_words(const RunResult& result) {
    if (!result.reached.empty()) {
        return "reached " + result.reached;
    }
    if (result.signal != 0) {
        return "interrupted";
    }
    return result.left ? "left" : std::string(kernel::reason_name(result.last.stop.reason));
}

int exit_status(const RunResult& result) {
    if (result.replayed) {
        return result.replayed->status;
    }
    if (result.signal != 0) {
        return kSignalBase + result.signal;
    }
    return stopped_from_outside(result) ? 0 : kernel::exit_status(result.last.stop);
}

std::string ending_text(const RunResult& result, const Terminal& terminal) {
    const Style style = exit_status(result) == 0 ? Style::Green : Style::Red;
    const std::string reason = reason_text(result);
    std::string text = fmt::format(
        "{} {}; {} cycles ({}), {} instructions\n", terminal.paint(style, "trapgate:"), reason,
        result.last.counters.cycles.value, result.last.model, result.last.counters.instructions);
    if (const std::string_view hint = hint_for(result); !hint.empty()) {
        text += fmt::format("{} {}\n", terminal.paint(Style::Cyan, "hint:"), hint);
    }
    return text;
}

std::string summary_text(const RunResult& result) {
    std::string text;
    if (!result.reached.empty()) {
        text += registers_text(result.last);
    }
    if (!result.last.probes.empty()) {
        text += probes_text(result.last.probes);
    }
    if (!result.last.maps.empty()) {
        text += maps_text(result.last.maps);
    }
    if (!result.last.rings.empty()) {
        text += rings_text(result.last.rings);
    }
    return text;
}

}  // namespace trapgate::cli

// SPDX-License-Identifier: GPL-2.0-only
#include <string>

#include <sys/resource.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kernel/session/session.hpp"

namespace trapgate::kernel {
namespace {

using nlohmann::ordered_json;

constexpr int kPass = 0;
constexpr int kGuestFailed = 1;
constexpr int kGuestCrashed = 3;
constexpr int kLimitReached = 4;

ordered_json exceptions_json(const emu::Counters& counters) {
    ordered_json by_vector = ordered_json::object();
    for (std::size_t vector = 0; vector < counters.exceptions.size(); ++vector) {
        if (counters.exceptions[vector] != 0) {
            by_vector[std::to_string(vector)] = counters.exceptions[vector];
        }
    }
    return by_vector;
}

ordered_json map_json(const MapView& map) {
    ordered_json elements = ordered_json::array();
    for (const MapElement& element : map.elements) {
        elements.push_back({{"key", element.key_text}, {"value", element.value_text}});
    }
    return {{"id", map.id}, {"name", map.name}, {"type", map.type}, {"elements", elements}};
}

// {"inside another probe": 3}
ordered_json misses_json(const std::vector<MissReason>& misses) {
    ordered_json by_reason = ordered_json::object();
    for (const MissReason& miss : misses) {
        by_reason[miss.reason] = miss.count;
    }
    return by_reason;
}

std::uint64_t peak_rss_bytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

std::string_view reason_name(emu::StopReason reason) {
    switch (reason) {
        case emu::StopReason::GuestExit: return "guest-exit";
        case emu::StopReason::Shutdown: return "shutdown";
        case emu::StopReason::Panic: return "panic";
        case emu::StopReason::TripleFault: return "triple-fault";
        case emu::StopReason::Dead: return "dead";
        case emu::StopReason::InsnLimit: return "insn-limit";
        case emu::StopReason::CycleLimit: return "cycle-limit";
        case emu::StopReason::TimeLimit: return "time-limit";
        case emu::StopReason::Requested:
        case emu::StopReason::Debugger: return "requested";
        case emu::StopReason::Breakpoint: return "breakpoint";
        case emu::StopReason::Watchpoint: return "watchpoint";
    }
    return "unknown";
}

int exit_status(const emu::StopEvent& stop) {
    switch (stop.reason) {
        case emu::StopReason::GuestExit: return stop.status == 0 ? kPass : kGuestFailed;
        case emu::StopReason::Shutdown: return kPass;
        case emu::StopReason::Panic:
        case emu::StopReason::TripleFault:
        case emu::StopReason::Dead: return kGuestCrashed;
        case emu::StopReason::InsnLimit:
        case emu::StopReason::CycleLimit:
        case emu::StopReason::TimeLimit: return kLimitReached;
        case emu::StopReason::Requested:
        case emu::StopReason::Debugger:
        case emu::StopReason::Breakpoint:
        case emu::StopReason::Watchpoint: return kPass;
    }
    return kPass;
}

std::string session_report(const SessionSnapshot& snapshot, double host_seconds) {
    ordered_json report{
        {"model", snapshot.model},
        {"cycles", snapshot.counters.cycles.value},
        {"instructions", snapshot.counters.instructions},
        {"blocks", snapshot.counters.blocks},
        {"interrupts", snapshot.counters.interrupts},
        {"exceptions", exceptions_json(snapshot.counters)},
        {"host_seconds", host_seconds},
        {"peak_rss_bytes", peak_rss_bytes()},
        {"exit", {{"reason", reason_name(snapshot.stop.reason)}, {"status", snapshot.stop.status}}},
        {"probes", ordered_json::array()},
        {"maps", ordered_json::array()},
        {"rings", ordered_json::array()},
    };
    for (const ProbeView& probe : snapshot.probes) {
        report["probes"].push_back({{"event", probe.event},
                                    {"where", probe.where},
                                    {"program", probe.program},
                                    {"hits", probe.hits},
                                    {"missed", probe.missed},
                                    {"misses", misses_json(probe.misses)},
                                    {"filtered", probe.filtered}});
    }
    for (const MapView& map : snapshot.maps) {
        report["maps"].push_back(map_json(map));
    }
    for (const RingView& ring : snapshot.rings) {
        report["rings"].push_back({{"id", ring.id},
                                   {"name", ring.name},
                                   {"records", ring.records},
                                   {"dropped", ring.dropped}});
    }
    // Guest text may be anything; a report is always valid UTF-8.
    return report.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace trapgate::kernel

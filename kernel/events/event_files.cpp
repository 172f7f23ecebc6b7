// SPDX-License-Identifier: GPL-2.0-only
// The texts of the files that show events.
#include <algorithm>

#include <fmt/format.h>

#include "kernel/events/event_format.hpp"
#include "kernel/events/probe_events.hpp"

namespace trapgate::kernel {

// One line a probe, in the order in which they were defined.
std::string ProbeEvents::kprobe_events() const {
    std::vector<const Probe*> all;
    for (const std::unique_ptr<Event>& event : events_) {
        for (const std::unique_ptr<Probe>& probe : event->probes) {
            all.push_back(probe.get());
        }
    }
    std::ranges::sort(all, {}, &Probe::age);
    std::string text;
    for (const Probe* probe : all) {
        text += probe->definition.text() + "\n";
    }
    return text;
}

std::string ProbeEvents::kprobe_profile() const {
    std::string text;
    for (const EventProbeState& state : states()) {
        text += fmt::format("  {:<44} {:>15} {:>15}\n",
                            state.event.substr(state.event.find('/') + 1), state.hits,
                            state.missed());
    }
    return text;
}

std::vector<EventProbeState> ProbeEvents::states() const {
    std::vector<std::pair<std::uint64_t, EventProbeState>> aged;
    for (const std::unique_ptr<Event>& event : events_) {
        for (const std::unique_ptr<Probe>& probe : event->probes) {
            aged.emplace_back(probe->age,
                              EventProbeState{probe->definition.name(), probe->armed->where(),
                                              probe->armed->address(), probe->armed->hits(),
                                              probe->filtered, probe->armed->misses()});
        }
    }
    std::ranges::sort(aged, {}, &std::pair<std::uint64_t, EventProbeState>::first);
    std::vector<EventProbeState> all;
    for (auto& [age, state] : aged) {
        all.push_back(std::move(state));
    }
    return all;
}

Result<std::string> ProbeEvents::format(std::string_view event) const {
    return find(event).map([](const Event* found) {
        return format_text(found->probes.front()->definition, found->id);
    });
}

Result<std::string> ProbeEvents::filter(std::string_view event) const {
    return find(event).map([](const Event* found) { return found->filter_text; });
}

Result<std::string> ProbeEvents::id(std::string_view event) const {
    return find(event).map([](const Event* found) { return fmt::format("{}\n", found->id); });
}

Result<std::string> ProbeEvents::enabled(std::string_view event) const {
    return find(event).map(
        [](const Event* found) { return std::string(found->enabled ? "1\n" : "0\n"); });
}

}  // namespace trapgate::kernel

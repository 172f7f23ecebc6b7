// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/tracefs.hpp"

#include <array>
#include <string>
#include <string_view>

namespace trapgate::kernel {
namespace {

constexpr std::array<std::string_view, 2> kMounts{"/sys/kernel/tracing",
                                                  "/sys/kernel/debug/tracing"};

using EventText = Result<std::string> (ProbeEvents::*)(std::string_view event) const;
struct EventFile {
    std::string_view name;
    EventText text;
};
constexpr std::array kEventFiles{
    EventFile{"format", &ProbeEvents::format},
    EventFile{"id", &ProbeEvents::id},
    EventFile{"filter", &ProbeEvents::filter},
    EventFile{"enable", &ProbeEvents::enabled},
};

}  // namespace

void add_trace_files(VirtualFiles& files, ProbeEvents& events) {
    for (const std::string_view mount : kMounts) {
        const std::string folder(mount);
        files.add(folder + "/kprobe_events", [&events] { return events.kprobe_events(); });
        files.add(folder + "/kprobe_profile", [&events] { return events.kprobe_profile(); });
        files.add(folder + "/error_log", [&events] { return events.error_log(); });
    }
    events.set_listener([&files, &events](const std::string& event) {
        for (const std::string_view mount : kMounts) {
            for (const EventFile& file : kEventFiles) {
                const auto text = [&events, &file, event] { return (events.*file.text)(event); };
                files.add(
                    std::string(mount) + "/events/" + event + "/" + std::string(file.name),
                    [text] { return text().value_or(""); }, [text] { return text().has_value(); });
            }
        }
    });
}

}  // namespace trapgate::kernel

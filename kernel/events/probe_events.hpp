// SPDX-License-Identifier: GPL-2.0-only
// The events of one guest: what tracefs offers as kprobe_events, kprobe_profile, error_log and
// events/GROUP/EVENT/{format,id,enable,filter}, as functions that take and give those files' text.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kernel/events/definition.hpp"
#include "kernel/events/event_text.hpp"
#include "kernel/events/filter.hpp"
#include "kernel/events/kernel_facts.hpp"
#include "kernel/events/miss_reason.hpp"
#include "kernel/events/probe_error.hpp"
#include "kernel/events/record.hpp"

namespace trapgate::kernel {

/// A hit, as who armed the probe hands it over.
struct EventHit {
    HitView view;
    TraceContext context;
    std::uint64_t ip = 0;      ///< The probe's address.
    std::uint64_t ret_ip = 0;  ///< At a return: where the function returns to.
};

/// One probe in place. Destruction takes it away.
class ArmedEvent {
public:
    virtual ~ArmedEvent() = default;
    virtual Result<void> set_enabled(bool enabled) = 0;
    [[nodiscard]] virtual GuestVa address() const = 0;
    /// "vfs_read+0x0"
    [[nodiscard]] virtual std::string where() const = 0;
    [[nodiscard]] virtual std::uint64_t hits() const = 0;
    /// Those that happened at all.
    [[nodiscard]] virtual std::vector<MissReason> misses() const = 0;
};

/// Who puts probes in place; kernel/events/machine_events.hpp is the real one.
class EventBackend {
public:
    virtual ~EventBackend() = default;
    /// In place, but disabled. Errors carry the errno of register_kprobe.
    [[nodiscard]] virtual Result<std::unique_ptr<ArmedEvent>> arm(
        const ProbeDefinition& definition, std::function<void(const EventHit&)> on_hit) = 0;
    /// Names of addresses.
    [[nodiscard]] virtual SymbolTexts symbol_texts() const = 0;
    /// Where a function begins and ends.
    [[nodiscard]] virtual FunctionRange function_ranges() const = 0;
    /// Virtual time, for the error log.
    [[nodiscard]] virtual std::uint64_t now_ns() const = 0;
};

/// What a summary tells of one probe of an event.
struct EventProbeState {
    std::string event;  ///< "kprobes/open"
    std::string where;
    GuestVa address;
    std::uint64_t hits = 0;
    std::uint64_t filtered = 0;  ///< Hits that the filter kept back.
    std::vector<MissReason> misses;
    [[nodiscard]] std::uint64_t missed() const;
};

class ProbeEvents {
public:
    /// Both must outlive it.
    ProbeEvents(const KernelFacts& facts, EventBackend& backend)
        : facts_(facts), backend_(backend) {}
    ProbeEvents(const ProbeEvents&) = delete;
    ProbeEvents& operator=(const ProbeEvents&) = delete;

    /// Shows each hit of an enabled event that its filter lets through.
    void set_sink(std::function<void(const EventView&)> sink) { sink_ = std::move(sink); }

    /// Told of each new event, "GROUP/EVENT".
    void set_listener(std::function<void(const std::string& event)> listener) {
        listener_ = std::move(listener);
    }

    /// A line written to kprobe_events: p... and r... define a probe, disabled at first, -:...
    /// takes events away. Several probes may share an event, if their arguments do. Empty lines do
    /// nothing. Errors are Linux's, and are kept in the error log; then nothing has changed.
    Result<void> command(std::string_view line);

    /// `event` is "GROUP/EVENT" or "EVENT". ENOENT with the nearest names for an unknown one.
    Result<void> set_enabled(std::string_view event, bool enabled);
    Result<void> enable_all();
    /// "0" or nothing takes the filter away.
    Result<void> set_filter(std::string_view event, std::string_view text);

    // The files' texts.
    [[nodiscard]] std::string kprobe_events() const;
    [[nodiscard]] std::string kprobe_profile() const;
    [[nodiscard]] std::string error_log() const;
    [[nodiscard]] Result<std::string> format(std::string_view event) const;
    [[nodiscard]] Result<std::string> filter(std::string_view event) const;
    [[nodiscard]] Result<std::string> id(std::string_view event) const;
    [[nodiscard]] Result<std::string> enabled(std::string_view event) const;
    /// "kprobes/open", in order of age.
    [[nodiscard]] std::vector<std::string> names() const;

    /// All probes, in order of age.
    [[nodiscard]] std::vector<EventProbeState> states() const;

private:
    /// Those of Linux's own tracepoints are below.
    static constexpr unsigned kFirstId = 2000;

    struct Probe {
        ProbeDefinition definition;
        std::unique_ptr<ArmedEvent> armed;
        std::uint64_t filtered = 0;
        std::uint64_t age = 0;
    };
    struct Event {
        std::string group, name;
        unsigned id = 0;
        bool enabled = false;
        std::optional<EventFilter> filter;
        std::string filter_text = "none\n";          ///< Of the file, a mistake included.
        std::vector<std::unique_ptr<Probe>> probes;  ///< All with the first one's arguments.
    };

    Result<void> define(std::string_view line);
    ProbeResult<void> append(Event& event, const ProbeDefinition& definition,
                             std::string_view line);
    ProbeResult<std::unique_ptr<Probe>> arm(Event& event, const ProbeDefinition& definition,
                                            std::string_view line);
    Result<void> remove(std::string_view line);
    Result<void> apply_filter(Event& event, std::string_view text);
    /// A mistake is logged, and `shown` becomes what the filter's file tells of it.
    Result<EventFilter> parse_filter(std::string_view text, const ProbeDefinition& definition,
                                     std::string* shown = nullptr);
    static void use_filter(Event& event, EventFilter filter);
    void on_hit(const Event& event, Probe& probe, const EventHit& hit) const;
    [[nodiscard]] Result<Event*> find(std::string_view event) const;
    Error log(const ProbeError& error);
    void log(std::string text);

    const KernelFacts& facts_;
    EventBackend& backend_;
    std::function<void(const EventView&)> sink_;
    std::function<void(const std::string&)> listener_;
    std::vector<std::unique_ptr<Event>> events_;
    std::deque<std::string> errors_;
    unsigned next_id_ = kFirstId;
    std::uint64_t next_age_ = 0;
};

}  // namespace trapgate::kernel

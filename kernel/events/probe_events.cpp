// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/probe_events.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.hpp"

namespace trapgate::kernel {
namespace {

using enum ProbeErrorCode;

constexpr std::size_t kErrorsKept = 8;  // TRACING_LOG_ERRS_MAX

ProbeError wrong(ProbeErrorCode code, std::string_view line, std::size_t word, std::string hint,
                 int linux_errno) {
    const CommandWords words(line);
    const std::size_t caret = word < words.starts.size() ? words.starts[word]
                                                         : words.command.size() + 1;
    return {code, caret, words.command, std::move(hint), linux_errno};
}

// What register_kprobe said, as kprobe_events tells it.
ProbeError not_armed(const Error& error, std::string_view line) {
    const ProbeErrorCode code = error.linux_errno == EILSEQ   ? BadInsnBndry
                                : error.linux_errno == ENOENT ? BadProbeAddr
                                                              : FailRegProbe;
    std::string hint = error.where.empty() ? error.what : error.where + ": " + error.what;
    hint += error.hint.empty() ? "" : "; " + error.hint;
    return wrong(code, line, 1, std::move(hint), error.linux_errno);
}

// The first argument that differs, counted from 0; nothing when all are the same.
std::optional<std::size_t> different_arg(const ProbeDefinition& a, const ProbeDefinition& b) {
    const std::size_t both = std::min(a.args.size(), b.args.size());
    if (a.args.size() != b.args.size()) {
        return both;
    }
    for (std::size_t i = 0; i < both; ++i) {
        if (a.args[i].type != b.args[i].type || a.args[i].count != b.args[i].count ||
            a.args[i].name != b.args[i].name) {
            return i;
        }
    }
    return std::nullopt;
}

bool is_same(const ProbeDefinition& a, const ProbeDefinition& b) {
    return a.place() == b.place() &&
           std::ranges::equal(a.args, b.args, {}, &FetchArg::text, &FetchArg::text);
}

std::string_view without_end(std::string_view text) {
    while (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace

std::uint64_t EventProbeState::missed() const {
    return std::accumulate(
        misses.begin(), misses.end(), std::uint64_t{0},
        [](std::uint64_t sum, const MissReason& reason) { return sum + reason.count; });
}

Result<void> ProbeEvents::command(std::string_view line) {
    const CommandWords words(line);
    if (words.words.empty()) {
        return {};
    }
    return words.words[0].starts_with('-') ? remove(line) : define(line);
}

Result<void> ProbeEvents::define(std::string_view line) {
    const auto logged = [this](const ProbeError& error) { return log(error); };
    const ProbeResult<ProbeDefinition> definition = parse_definition(line, facts_);
    if (!definition) {
        return tl::unexpected(log(definition.error()));
    }
    const auto same = std::ranges::find_if(events_, [&](const std::unique_ptr<Event>& event) {
        return event->group == definition->group && event->name == definition->event;
    });
    std::optional<EventFilter> filter;
    if (definition->filter) {
        Result<EventFilter> parsed = parse_filter(*definition->filter, *definition);
        if (!parsed) {
            return tl::unexpected(parsed.error());
        }
        filter = std::move(*parsed);
    }
    if (same != events_.end()) {
        return Result<void>(append(**same, *definition, line).map_error(logged)).map([&] {
            if (filter) {
                use_filter(**same, std::move(*filter));
            }
        });
    }
    auto event = std::make_unique<Event>();
    event->group = definition->group;
    event->name = definition->event;
    event->id = next_id_;
    ProbeResult<std::unique_ptr<Probe>> probe = arm(*event, *definition, line);
    if (!probe) {
        return tl::unexpected(log(probe.error()));
    }
    event->probes.push_back(std::move(*probe));
    if (filter) {
        use_filter(*event, std::move(*filter));
    }
    ++next_id_;
    events_.push_back(std::move(event));
    if (listener_) {
        listener_(definition->name());
    }
    return {};
}

ProbeResult<void> ProbeEvents::append(Event& event, const ProbeDefinition& definition,
                                      std::string_view line) {
    const ProbeDefinition& first = event.probes.front()->definition;
    if (first.on_return != definition.on_return) {
        return tl::unexpected(wrong(DiffProbeType, line, 0,
                                    "choose another name: " + definition.name() + " is there",
                                    EEXIST));
    }
    if (const std::optional<std::size_t> arg = different_arg(definition, first)) {
        return tl::unexpected(
            wrong(DiffArgType, line, 2 + *arg, "the event is " + first.text(), EEXIST));
    }
    const bool there = std::ranges::any_of(event.probes, [&](const std::unique_ptr<Probe>& probe) {
        return is_same(probe->definition, definition);
    });
    if (there) {
        return tl::unexpected(wrong(SameProbe, line, 0, "leave it out", EEXIST));
    }
    ProbeResult<std::unique_ptr<Probe>> probe = arm(event, definition, line);
    if (!probe) {
        return tl::unexpected(probe.error());
    }
    if (event.enabled) {
        if (const Result<void> enabled = (*probe)->armed->set_enabled(true); !enabled) {
            return tl::unexpected(not_armed(enabled.error(), line));
        }
    }
    event.probes.push_back(std::move(*probe));
    return {};
}

ProbeResult<std::unique_ptr<ProbeEvents::Probe>> ProbeEvents::arm(Event& event,
                                                                  const ProbeDefinition& definition,
                                                                  std::string_view line) {
    for (const FetchArg& arg : definition.args) {
        if (arg.source.kind != FetchSource::Kind::Symbol) {
            continue;
        }
        const std::string name = arg.source.text.substr(0, arg.source.text.find_first_of("+-"));
        if (!facts_.address_of(name)) {
            const std::string near = facts_.near_symbols(name);
            return tl::unexpected(wrong(BadProbeAddr, line, 1,
                                        fmt::format("{}: the kernel has no symbol {}{}{}", arg.text,
                                                    name, near.empty() ? "" : "; ", near),
                                        ENOENT));
        }
    }
    auto probe = std::make_unique<Probe>();
    probe->definition = definition;
    probe->age = next_age_++;
    Result<std::unique_ptr<ArmedEvent>> armed = backend_.arm(
        definition,
        [this, &event, target = probe.get()](const EventHit& hit) { on_hit(event, *target, hit); });
    if (!armed) {
        return tl::unexpected(not_armed(armed.error(), line));
    }
    probe->armed = std::move(*armed);
    return probe;
}

Result<void> ProbeEvents::remove(std::string_view line) {
    const ProbeResult<RemoveCommand> command = parse_remove(line);
    if (!command) {
        return tl::unexpected(to_error(command.error()));
    }
    const auto meant = [&](const std::unique_ptr<Probe>& probe) {
        return command->matches(probe->definition);
    };
    bool found = false;
    for (const std::unique_ptr<Event>& event : events_) {
        found = found || std::ranges::any_of(event->probes, meant);
        // The last probe of an enabled event stays, as on Linux.
        if (event->enabled && std::ranges::all_of(event->probes, meant)) {
            return fail("the event is enabled", event->group + "/" + event->name,
                        "disable it first", EBUSY);
        }
    }
    if (!found) {
        return fail("no such event", CommandWords(line).command,
                    names().empty() ? "there is none"
                                    : fmt::format("there is {}", fmt::join(names(), ", ")),
                    ENOENT);
    }
    for (const std::unique_ptr<Event>& event : events_) {
        std::erase_if(event->probes, meant);
    }
    std::erase_if(events_,
                  [](const std::unique_ptr<Event>& event) { return event->probes.empty(); });
    return {};
}

Result<ProbeEvents::Event*> ProbeEvents::find(std::string_view event) const {
    const std::size_t slash = event.find('/');
    const auto found = std::ranges::find_if(events_, [&](const std::unique_ptr<Event>& candidate) {
        return slash == std::string_view::npos ? candidate->name == event
                                               : candidate->group == event.substr(0, slash) &&
                                                     candidate->name == event.substr(slash + 1);
    });
    if (found != events_.end()) {
        return found->get();
    }
    const std::vector<std::string> all = names();
    std::vector<std::string_view> views(all.begin(), all.end());
    if (slash == std::string_view::npos) {
        for (std::string_view& view : views) {
            view.remove_prefix(view.find('/') + 1);
        }
    }
    return fail("no such event", std::string(event), did_you_mean(nearest_names(event, views)),
                ENOENT);
}

Result<void> ProbeEvents::set_enabled(std::string_view event, bool enabled) {
    return find(event).and_then([&](Event* target) -> Result<void> {
        for (const std::unique_ptr<Probe>& probe : target->probes) {
            if (const Result<void> done = probe->armed->set_enabled(enabled); !done) {
                return done;
            }
        }
        target->enabled = enabled;
        return {};
    });
}

Result<void> ProbeEvents::enable_all() {
    for (const std::string& name : names()) {
        if (const Result<void> done = set_enabled(name, true); !done) {
            return done;
        }
    }
    return {};
}

Result<void> ProbeEvents::set_filter(std::string_view event, std::string_view text) {
    return find(event).and_then(
        [&](Event* target) { return apply_filter(*target, without_end(text)); });
}

Result<void> ProbeEvents::apply_filter(Event& event, std::string_view text) {
    event.filter.reset();
    event.filter_text = "none\n";
    if (text.empty() || text == "0") {
        return {};
    }
    Result<EventFilter> filter = parse_filter(text, event.probes.front()->definition,
                                              &event.filter_text);
    return filter.map([&](EventFilter& good) { use_filter(event, std::move(good)); });
}

Result<EventFilter> ProbeEvents::parse_filter(std::string_view text,
                                              const ProbeDefinition& definition,
                                              std::string* shown) {
    return EventFilter::parse(text, filter_fields(definition), backend_.function_ranges())
        .map_error([&](const FilterError& error) {
            log(filter_error_log(error));
            if (shown != nullptr) {
                *shown = filter_error_text(error);
            }
            return to_error(error);
        });
}

void ProbeEvents::use_filter(Event& event, EventFilter filter) {
    event.filter_text = filter.text() + "\n";
    event.filter = std::move(filter);
}

void ProbeEvents::on_hit(const Event& event, Probe& probe, const EventHit& hit) const {
    if (!event.enabled) {
        return;  // A call that was under way when its return was disabled.
    }
    const RecordHead head{static_cast<std::uint16_t>(event.id),
                          hit.context.flags,
                          hit.context.preempt_count,
                          static_cast<std::int32_t>(hit.context.pid),
                          hit.ip,
                          hit.ret_ip};
    const EventRecord record = make_record(probe.definition, head, hit.view);
    if (event.filter && !event.filter->matches({record, hit.context.cpu, hit.view.comm})) {
        ++probe.filtered;
        return;
    }
    if (sink_) {
        sink_(make_view(event.probes.front()->definition, record, hit.context,
                        backend_.symbol_texts()));
    }
}

std::vector<std::string> ProbeEvents::names() const {
    std::vector<std::string> all;
    for (const std::unique_ptr<Event>& event : events_) {
        all.push_back(event->group + "/" + event->name);
    }
    return all;
}

std::string ProbeEvents::error_log() const { return fmt::format("{}", fmt::join(errors_, "")); }

Error ProbeEvents::log(const ProbeError& error) {
    log(error_log_text(error));
    return to_error(error);
}

void ProbeEvents::log(std::string text) {
    const std::uint64_t ns = backend_.now_ns();
    errors_.push_back(
        fmt::format("[{:>5}.{:06}] {}", ns / 1'000'000'000, ns % 1'000'000'000 / 1000, text));
    if (errors_.size() > kErrorsKept) {
        errors_.pop_front();
    }
}

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/live_session.hpp"

#include <utility>

#include <fmt/format.h>

#include "kernel/events/tracefs.hpp"
#include "kernel/session/early_boot.hpp"
#include "kernel/session/map_views.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::size_t kConsoleKept = 64U << 10;
constexpr std::size_t kLinesKept = 1000;

}  // namespace

Result<std::unique_ptr<Session>> Session::create(const SessionConfig& config) {
    return LiveSession::create(config);
}

Result<std::unique_ptr<Session>> LiveSession::create(const SessionConfig& config) {
    std::unique_ptr<LiveSession> session(new LiveSession());
    return session->start(config).map([&] { return std::unique_ptr<Session>(std::move(session)); });
}

LiveSession::~LiveSession() {
    if (runner_ != nullptr) {
        runner_->let_go();
    }
    if (services_ != nullptr) {
        services_->runtime().set_wakeup_sink(nullptr);
        services_->runtime().set_trace_sink(nullptr);
    }
}

Result<void> LiveSession::start(const SessionConfig& config) {
    events_ = config.events;
    Result<std::unique_ptr<emu::Machine>> machine = emu::Machine::create(config.machine);
    if (!machine) {
        return tl::unexpected(machine.error());
    }
    machine_ = std::move(*machine);
    runner_ = config.runner;
    linux_end_ = std::make_unique<LinuxEnd>(*machine_);
    machine_->set_console_sink([this](std::string_view bytes) { on_console(bytes); });
    Result<void> loaded = emu::load_boot_image(*machine_, config.image).and_then([&] {
        return config.replay ? machine_->replay(*config.replay, config.replay_name)
                             : Result<void>();
    });
    if (!loaded) {
        return loaded;
    }
    ending_ = boot_until_probes_can_be_armed(*machine_, runner_);
    services_ = std::make_unique<ProbeServices>(*machine_);
    facts_ = std::make_unique<MachineFacts>(*machine_);
    event_probes_ = std::make_unique<MachineEvents>(
        *machine_, services_->kprobes(), [this] { return services_->runtime().current_task(); });
    probe_events_ = std::make_unique<ProbeEvents>(*facts_, *event_probes_);
    probe_events_->set_sink([this](const EventView& hit) { on_probe(hit); });
    add_trace_files(services_->kernel().files(), *probe_events_);
    if (ending_) {
        return {};  // Too early an end for any probe.
    }
    services_->set_trace_sink([this](const bpf::TraceLine& line) { on_trace(line); });
    services_->runtime().set_wakeup_sink([this](bpf::Map&) { consume_rings(); });
    if (const Result<void> added = add_probes(config.probes); !added) {
        return added;
    }
    for (const std::filesystem::path& path : config.objects) {
        const Result<void> added = add_object(path);
        if (!added) {
            return added;
        }
    }
    linux_end_->watch();
    return {};
}

Result<void> LiveSession::add_probes(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        if (CommandWords(line).words.empty()) {
            return fail("the definition is empty", "probe", "p:EVENT SYMBOL, or just SYMBOL");
        }
        if (const Result<void> done = probe_events_->command(with_kind(line)); !done) {
            return done;
        }
    }
    return probe_events_->enable_all();
}

Result<void> LiveSession::add_object(const std::filesystem::path& path) {
    Result<std::unique_ptr<BpfObject>> opened = BpfObject::open(services_->kernel(), path);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    objects_.push_back(std::move(*opened));
    BpfObject& object = *objects_.back();
    return object.load()
        .and_then([&] {
            return object.read_rings(
                [this, &object](const std::string& ring, std::span<const std::byte> record) {
                    on_record(object, ring, record);
                });
        })
        .and_then([&] { return object.attach(); });
}

void LiveSession::on_console(std::string_view bytes) {
    console_ += bytes;
    if (console_.size() > 2 * kConsoleKept) {
        console_.erase(0, console_.size() - kConsoleKept);
    }
    if (events_.console) {
        events_.console(machine_->now(), bytes);
    }
}

void LiveSession::remember_line(const std::string& line) {
    lines_.push_back(line);
    if (lines_.size() > kLinesKept) {
        lines_.pop_front();
    }
}

void LiveSession::on_trace(const bpf::TraceLine& line) {
    std::string said = "bpf_trace_printk: " + line.text;
    while (said.ends_with('\n')) {
        said.pop_back();
    }
    // A program runs with interrupts off.
    const std::string text = trace_line(
        {line.comm.empty() ? "<...>" : line.comm, line.pid, line.cpu, line.ns, kIrqsOff, 0}, said);
    remember_line(text);
    if (events_.trace) {
        events_.trace(text);
    }
}

void LiveSession::on_probe(const EventView& hit) {
    remember_line(hit.line());
    if (events_.probe) {
        events_.probe(hit);
    }
}

void LiveSession::on_record(const BpfObject& object, const std::string& ring,
                            std::span<const std::byte> bytes) {
    RingHistory& history = rings_[ring];
    RingRecord record{history.records++, std::vector(bytes.begin(), bytes.end()), {}};
    const Result<TypePrinter> printer = TypePrinter::create(object.btf());
    const std::optional<std::uint32_t> type = printer ? printer->record_type(bytes.size())
                                                      : std::nullopt;
    record.text = type ? printer->print(*type, bytes) : hex_bytes(bytes);
    if (events_.record) {
        events_.record(ring, record);
    }
    history.last.push_back(std::move(record));
    if (history.last.size() > RingView::kMaxRecords) {
        history.last.pop_front();
    }
}

void LiveSession::consume_rings() {
    for (const std::unique_ptr<BpfObject>& object : objects_) {
        static_cast<void>(object->consume());  // It only fails for an object without rings.
    }
    services_->kernel().sync_readiness();
}

emu::StopEvent LiveSession::run(const emu::RunLimits& limits) {
    if (ending_) {
        return *ending_;
    }
    services_->kernel().reap();
    const emu::StopEvent stop = linux_end_->run(limits, runner_);
    consume_rings();
    last_stop_ = stop;
    switch (stop.reason) {
        case emu::StopReason::GuestExit:
        case emu::StopReason::Shutdown:
        case emu::StopReason::Panic:
        case emu::StopReason::TripleFault:
        case emu::StopReason::Dead: ending_ = stop; break;
        default: break;
    }
    return stop;
}

SnapshotPtr LiveSession::snapshot() {
    auto now = std::make_shared<SessionSnapshot>();
    now->model = machine_->config().model;
    now->counters = machine_->counters();
    now->registers = machine_->cpu().registers();
    now->location = machine_->symbols().describe(
        services_->kprobes().original_rip(machine_->cpu().rip()));
    now->ended = ending_.has_value();
    now->stop = ending_.value_or(last_stop_);
    for (EventProbeState& probe : probe_events_->states()) {
        const std::uint64_t missed = probe.missed();
        now->probes.push_back({probe.event, probe.where, probe.address, "", probe.hits, missed,
                               std::move(probe.misses), probe.filtered});
    }
    for (const std::unique_ptr<BpfObject>& object : objects_) {
        for (const BpfObject::Attachment& attachment : object->attachments()) {
            const PerfEventObject& event = *attachment.event;
            const Result<emu::Symbol> symbol = machine_->symbols().find(event.target.symbol);
            const std::uint64_t missed = event.armed->missed();
            const GuestVa address = symbol ? symbol->address + event.target.offset
                                           : event.target.address.value_or(GuestVa{});
            now->probes.push_back({attachment.section, machine_->symbols().describe(address),
                                   address, attachment.program, event.armed->hits(), missed,
                                   event.armed->misses(), 0});
        }
        for (const BpfObject::MapRef& map : object->maps()) {
            if (map.internal) {
                continue;
            }
            if (!map.object->is_ring()) {
                now->maps.push_back(view_map(*map.object));
                now->maps.back().name = map.name;  // The object's; the kernel keeps 15 bytes of it.
                continue;
            }
            RingView ring = view_ring(*map.object);
            ring.name = map.name;
            if (const auto history = rings_.find(map.name); history != rings_.end()) {
                ring.records = history->second.records;
                ring.last.assign(history->second.last.begin(), history->second.last.end());
            }
            now->rings.push_back(std::move(ring));
        }
    }
    const std::size_t skipped = console_.size() > kConsoleKept ? console_.size() - kConsoleKept : 0;
    now->console = console_.substr(skipped);
    now->trace.assign(lines_.begin(), lines_.end());
    return now;
}

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "kernel/api/machine_probes.hpp"
#include "kernel/events/machine_events.hpp"
#include "kernel/events/machine_facts.hpp"
#include "kernel/libbpf/bpf_object.hpp"
#include "kernel/session/linux_end.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::kernel {

/// The Session: owns machine, services, probes and objects, in this order.
class LiveSession final : public Session {
public:
    static Result<std::unique_ptr<Session>> create(const SessionConfig& config);
    ~LiveSession() override;

    void set_events(SessionEvents events) override { events_ = std::move(events); }
    emu::StopEvent run(const emu::RunLimits& limits) override;
    [[nodiscard]] SnapshotPtr snapshot() override;
    [[nodiscard]] emu::Machine& machine() override { return *machine_; }
    [[nodiscard]] Kprobes& probes() override { return services_->kprobes(); }
    [[nodiscard]] ProbeEvents& events() override { return *probe_events_; }
    [[nodiscard]] HostKernel& host_kernel() override { return services_->kernel(); }
    [[nodiscard]] const std::vector<std::unique_ptr<BpfObject>>& objects() const override {
        return objects_;
    }

private:
    LiveSession() = default;

    /// What a ring delivered so far.
    struct RingHistory {
        std::uint64_t records = 0;
        std::deque<RingRecord> last;
    };

    Result<void> start(const SessionConfig& config);
    Result<void> add_probes(const std::vector<std::string>& lines);
    Result<void> add_object(const std::filesystem::path& path);
    void on_console(std::string_view bytes);
    void on_trace(const bpf::TraceLine& line);
    void on_probe(const EventView& hit);
    void on_record(const BpfObject& object, const std::string& ring,
                   std::span<const std::byte> bytes);
    void consume_rings();
    void remember_line(const std::string& line);

    emu::MachineRunner* runner_ = nullptr;
    std::unique_ptr<emu::Machine> machine_;
    std::unique_ptr<ProbeServices> services_;
    std::unique_ptr<LinuxEnd> linux_end_;
    std::unique_ptr<MachineFacts> facts_;
    std::unique_ptr<MachineEvents> event_probes_;
    std::unique_ptr<ProbeEvents> probe_events_;
    std::vector<std::unique_ptr<BpfObject>> objects_;

    SessionEvents events_;
    std::string console_;
    std::deque<std::string> lines_;
    std::map<std::string, RingHistory> rings_;  ///< By ring name.
    emu::StopEvent last_stop_;
    std::optional<emu::StopEvent> ending_;
};

}  // namespace trapgate::kernel

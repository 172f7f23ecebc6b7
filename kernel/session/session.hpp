// SPDX-License-Identifier: GPL-2.0-only
// One machine with its kernel, probes, BPF objects and console: what `trapgate run`, the GUI, labs
// and tests start from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "emu/boot.hpp"
#include "emu/machine_runner.hpp"
#include "kernel/session/snapshot.hpp"

namespace trapgate::kernel {

class BpfObject;
struct EventView;
class HostKernel;
class Kprobes;
class ProbeEvents;

/// What happens while the guest runs, as it happens, on the thread that calls create() and run().
struct SessionEvents {
    /// What the guest writes, with the time.
    std::function<void(Cycles now, std::string_view bytes)> console;
    /// A probe without a program was hit; EventView::line is ftrace's.
    std::function<void(const EventView& hit)> probe;
    /// bpf_trace_printk: an ftrace-shaped line.
    std::function<void(const std::string& line)> trace;
    /// A ring buffer delivered a record.
    std::function<void(const std::string& ring, const RingRecord& record)> record;
};

struct SessionConfig {
    emu::MachineConfig machine;
    emu::BootImage image;
    /// Lines of kprobe_events (kernel/events/definition.hpp), or just "SYMBOL[+OFFSET]".
    std::vector<std::string> probes;
    /// BPF objects (.bpf.o); each program is attached where its section name says.
    std::vector<std::filesystem::path> objects;
    /// Runs the machine from reset on, early boot included, when there is one: a debugger's server
    /// (emu/gdb/server.hpp). Must outlive the session.
    emu::MachineRunner* runner = nullptr;
    /// A recorded run to repeat; nothing else comes in then.
    std::optional<emu::InputLog> replay{};
    std::string replay_name{};  ///< The log's, for errors.
    /// From the first instruction on: the kernel boots and writes before the session is there.
    SessionEvents events{};
};

/// Everything about one guest. One thread at a time.
class Session {
public:
    /// Boots the image as far as kernel/session/early_boot.hpp says, maps the probe window, arms
    /// the probes, and loads and attaches the objects. Errors name the file, symbol or definition,
    /// with the nearest names where a name was unknown.
    static Result<std::unique_ptr<Session>> create(const SessionConfig& config);
    virtual ~Session() = default;

    /// Takes the place of those in the configuration.
    virtual void set_events(SessionEvents events) = 0;
    /// Runs on; delivers ring records before it returns. Limits count from reset.
    virtual emu::StopEvent run(const emu::RunLimits& limits) = 0;

    [[nodiscard]] virtual SnapshotPtr snapshot() = 0;
    [[nodiscard]] virtual emu::Machine& machine() = 0;
    [[nodiscard]] virtual Kprobes& probes() = 0;
    /// Probes without a program, and what tracefs tells of them.
    [[nodiscard]] virtual ProbeEvents& events() = 0;
    [[nodiscard]] virtual HostKernel& host_kernel() = 0;
    /// The loaded objects, in the order of the configuration.
    [[nodiscard]] virtual const std::vector<std::unique_ptr<BpfObject>>& objects() const = 0;
};

/// The JSON object of `--report`: model, cycles, instructions, blocks, interrupts, exceptions by
/// vector, host_seconds, peak_rss_bytes, exit {reason, status}, probes, maps, rings.
[[nodiscard]] std::string session_report(const SessionSnapshot& snapshot, double host_seconds);

/// The exit status that the ending stands for: 0 pass, 1 the guest failed, 3 panic or triple fault,
/// 4 limit.
[[nodiscard]] int exit_status(const emu::StopEvent& stop);

/// "guest-exit", "panic", "triple-fault", "dead", "insn-limit", "cycle-limit", "time-limit",
/// "shutdown", "requested".
[[nodiscard]] std::string_view reason_name(emu::StopReason reason);

}  // namespace trapgate::kernel

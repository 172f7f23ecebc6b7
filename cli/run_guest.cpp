// SPDX-License-Identifier: GPL-2.0-only
#include "cli/run_guest.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>

#include <fmt/format.h>

#include "cli/console_feed.hpp"
#include "cli/debugger.hpp"
#include "cli/interrupt.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::cli {
namespace {

using Clock = std::chrono::steady_clock;

// The run is cut into slices to look at signals and to let output through. Counted in guest
// instructions, so that the order of everything printed does not depend on the host's speed.
constexpr std::uint64_t kSliceInstructions = 4'000'000;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// `machine` is there before anything but the console's text comes.
kernel::SessionEvents events_to(RunOutput& output, const emu::Machine* const& machine) {
    kernel::SessionEvents events;
    events.console = [&](Cycles now, std::string_view bytes) { output.console(now, bytes); };
    events.probe = [&](const kernel::EventView& hit) { output.probe(machine->now(), hit); };
    events.trace = [&](const std::string& line) { output.trace(machine->now(), line); };
    events.record = [&](const std::string& ring, const kernel::RingRecord& record) {
        output.record(machine->now(), ring, record);
    };
    return events;
}

// A probe that stops the machine in front of its instruction.
Result<kernel::KprobeHandle> stop_at(kernel::Session& session, const std::string& symbol,
                                     bool& reached) {
    kernel::KprobeSpec spec;
    spec.symbol = symbol;
    spec.pre_handler = [&session, &reached](kernel::Kprobe&, kernel::ProbeRegs&) {
        reached = true;
        session.machine().request_stop();
        return 1;  // RIP stays: nothing of the function has run.
    };
    return session.probes().register_kprobe(std::move(spec));
}

// A trap that is the last instruction of a function leaves RIP behind the function.
std::string place_of(const emu::Machine& machine, const kernel::SessionSnapshot& last) {
    const GuestVa before{last.registers.rip - 1};
    return last.location.starts_with("0x") && machine.symbols().containing(before) != nullptr
               ? machine.symbols().describe(before)
               : last.location;
}

// A name that resembles no symbol of the kernel still deserves a next step.
Error with_hint(Error error, const RunOptions& options) {
    if (error.hint.empty() && error.linux_errno == ENOENT) {
        error.hint = "nm " + options.session.image.kernel.string() + " lists the kernel's symbols";
    }
    return error;
}

// One run, in slices, until something ends it.
class GuestRun {
public:
    GuestRun(kernel::Session& session, const RunOptions& options, RunOutput& output,
             const Debugger& debugger, Clock::time_point start)
        : session_(session),
          options_(options),
          output_(output),
          debugger_(debugger),
          start_(start),
          interrupt_(session.machine()) {}

    Result<void> stop_at_symbol() {
        return options_.until.empty()
                   ? Result<void>()
                   : stop_at(session_, options_.until, reached_)
                         .map([this](kernel::KprobeHandle probe) { until_ = std::move(probe); });
    }

    Result<void> start_recording() {
        if (options_.record.empty()) {
            return {};
        }
        emu::Machine& machine = session_.machine();
        return emu::InputLogWriter::open(options_.record, machine.identity())
            .map([&](emu::InputLogWriter writer) {
                recording_ = std::move(writer);
                machine.set_input_listener(
                    [this](const emu::InputEntry& entry) { recording_->append(entry); });
            });
    }

    /// The recording is whole, or the replay was the recorded run.
    Result<void> finish_log(const RunResult& result) {
        emu::Machine& machine = session_.machine();
        if (recording_) {
            machine.set_input_listener(nullptr);
            emu::RecordedEnd end = machine.input_log().end.value_or(emu::RecordedEnd{});
            end.status = exit_status(result);
            end.why = ending_words(result);
            return recording_->finish(end);
        }
        if (const auto place = machine.replay_divergence()) {
            return fail(
                fmt::format("the replay left the recorded run at cycle {}", place->cycle.value),
                options_.session.replay_name,
                "the same kernel, files, probes and version of Trapgate are needed");
        }
        return {};
    }

    void run() {
        ConsoleFeed feed(session_.machine(), options_.input, options_.read_to_end);
        if (options_.input == ConsoleInput::Terminal) {
            output_.note("Ctrl-A x leaves, Ctrl-A h helps");
        }
        while (true) {
            feed.look_at_backlog();
            emu::RunLimits slice = next_slice();
            slice.input_may_come = feed.open();
            const emu::StopEvent stop = session_.run(slice);
            output_.pause();
            left_ = feed.leaving();
            const bool goes_on = stop.reason == emu::StopReason::Requested ||
                                 (stop.reason == emu::StopReason::InsnLimit &&
                                  slice.max_instructions < options_.limits.max_instructions);
            if (!goes_on || reached_ || left_ || interrupt_.signal() != 0 || debugger_.killed() ||
                standard_output().broken()) {
                return;
            }
        }
    }

    [[nodiscard]] RunResult result() {
        RunResult result;
        result.last = *session_.snapshot();
        result.last.location = place_of(session_.machine(), result.last);
        result.reached = reached_ ? options_.until : "";
        result.signal = debugger_.killed() ? SIGKILL : reached_ ? 0 : interrupt_.signal();
        result.left = left_;
        if (was_replayed(result.last)) {
            result.replayed = options_.session.replay->end;
        }
        result.host_seconds = seconds_since(start_);
        return result;
    }

private:
    // Up to where the recorded run was stopped from outside.
    [[nodiscard]] bool was_replayed(const kernel::SessionSnapshot& last) const {
        const std::optional<emu::InputLog>& log = options_.session.replay;
        return log && log->end && last.stop.reason == emu::StopReason::CycleLimit &&
               last.counters.instructions == log->end->place.instructions &&
               last.counters.cycles >= log->end->place.cycle;
    }
    [[nodiscard]] emu::RunLimits next_slice() const {
        emu::RunLimits slice = options_.limits;
        slice.max_instructions = std::min(
            options_.limits.max_instructions,
            session_.machine().counters().instructions + kSliceInstructions);
        // A replay goes as far as the recorded run: to the instruction, which says where several
        // CPUs were, and then to the cycle, for time that was slept.
        if (const auto& log = options_.session.replay; log && log->end) {
            const emu::InputPlace& end = log->end->place;
            if (session_.machine().counters().instructions < end.instructions) {
                slice.max_instructions = std::min(slice.max_instructions, end.instructions);
            } else {
                slice.max_cycles = std::min(slice.max_cycles, end.cycle);
            }
        }
        if (options_.limits.max_host_seconds > 0) {
            slice.max_host_seconds = std::max(
                1e-3, options_.limits.max_host_seconds - seconds_since(start_));
        }
        return slice;
    }

    kernel::Session& session_;
    const RunOptions& options_;
    RunOutput& output_;
    const Debugger& debugger_;
    Clock::time_point start_;
    InterruptGuard interrupt_;
    bool reached_ = false;
    kernel::KprobeHandle until_;
    bool left_ = false;
    std::optional<emu::InputLogWriter> recording_;
};

}  // namespace

Result<RunResult> run_guest(const RunOptions& options, RunOutput& output) {
    const Clock::time_point start = Clock::now();
    Result<Debugger> debugger = Debugger::start(options.gdb, output);
    if (!debugger) {
        return tl::unexpected(debugger.error());
    }
    const emu::Machine* machine = nullptr;
    kernel::SessionConfig config = options.session;
    config.runner = debugger->runner();
    config.events = events_to(output, machine);
    Result<std::unique_ptr<kernel::Session>> created = kernel::Session::create(config);
    if (!created) {
        return tl::unexpected(with_hint(created.error(), options));
    }
    kernel::Session& session = **created;
    debugger->offer_commands(session);
    // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): what events_to() made reads it.
    machine = &session.machine();
    GuestRun run(session, options, output, *debugger, start);
    const Result<void> stops = run.stop_at_symbol();
    if (!stops) {
        return tl::unexpected(with_hint(stops.error(), options));
    }
    if (const Result<void> recording = run.start_recording(); !recording) {
        return tl::unexpected(recording.error());
    }
    run.run();
    RunResult result = run.result();
    return run.finish_log(result).map([&] { return std::move(result); });
}

}  // namespace trapgate::cli

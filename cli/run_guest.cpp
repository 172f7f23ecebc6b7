// SPDX-License-Identifier: GPL-2.0-only
#include "cli/run_guest.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

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

kernel::SessionEvents events_to(RunOutput& output, emu::Machine& machine) {
    kernel::SessionEvents events;
    events.console = [&](std::string_view bytes) { output.console(machine.now(), bytes); };
    events.probe = [&](const std::string& line) { output.probe(machine.now(), line); };
    events.trace = [&](const std::string& line) { output.trace(machine.now(), line); };
    events.record = [&](const std::string& ring, const kernel::RingRecord& record) {
        output.record(machine.now(), ring, record);
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

void run_in_slices(kernel::Session& session, const RunOptions& options, RunOutput& output,
                   const InterruptGuard& interrupt, const bool& reached, Clock::time_point start) {
    const double allowed = options.limits.max_host_seconds;
    while (true) {
        emu::RunLimits slice = options.limits;
        slice.max_instructions = std::min(
            options.limits.max_instructions,
            session.machine().counters().instructions + kSliceInstructions);
        if (allowed > 0) {
            slice.max_host_seconds = std::max(1e-3, allowed - seconds_since(start));
        }
        const emu::StopEvent stop = session.run(slice);
        output.pause();
        const bool slice_over = stop.reason == emu::StopReason::InsnLimit &&
                                slice.max_instructions < options.limits.max_instructions;
        if (!slice_over || reached || interrupt.signal() != 0 || standard_output().broken()) {
            return;
        }
    }
}

}  // namespace

Result<RunResult> run_guest(const RunOptions& options, RunOutput& output) {
    const Clock::time_point start = Clock::now();
    Result<Debugger> debugger = Debugger::start(options.gdb, output);
    if (!debugger) {
        return tl::unexpected(debugger.error());
    }
    kernel::SessionConfig config = options.session;
    config.runner = debugger->runner();
    Result<std::unique_ptr<kernel::Session>> created = kernel::Session::create(config);
    if (!created) {
        return tl::unexpected(with_hint(created.error(), options));
    }
    kernel::Session& session = **created;
    debugger->offer_commands(session);
    session.set_events(events_to(output, session.machine()));
    bool reached = false;
    kernel::KprobeHandle until;
    if (!options.until.empty()) {
        Result<kernel::KprobeHandle> probe = stop_at(session, options.until, reached);
        if (!probe) {
            return tl::unexpected(with_hint(probe.error(), options));
        }
        until = std::move(*probe);
    }
    const InterruptGuard interrupt(session.machine());
    RunResult result;
    run_in_slices(session, options, output, interrupt, reached, start);
    result.last = *session.snapshot();
    result.last.location = place_of(session.machine(), result.last);
    result.reached = reached ? options.until : "";
    result.signal = reached ? 0 : interrupt.signal();
    if (debugger->killed()) {
        result.signal = SIGKILL;
    }
    result.host_seconds = seconds_since(start);
    return result;
}

}  // namespace trapgate::cli

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Going back in time: checkpoints on the way, and re-execution from the one before.
///
/// A machine repeats itself exactly when it is restored and given the same inputs, so any point of
/// its past is "the checkpoint before it, and that many instructions more". A point is a count of
/// retired instructions (of all CPUs, Counters::instructions); where several boundaries have the
/// same count (before a faulting instruction, and at its handler's first), it is the first of them.
///
/// While a known past is executed again, console output is not emitted again and the inputs of the
/// past are applied at their old places; new ones wait until the end of what is known. Changing a
/// register or memory in the past makes another future: call forget_future() then.

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "emu/machine.hpp"

namespace trapgate::emu {

/// Whether a stop that Machine::run reported is what Timeline::run_back looks for. Must give the
/// same answer each time it is asked with the machine in the same state, and must not change it.
using IsHit = std::function<bool(const StopEvent& stop)>;

/// Why going back ended.
enum class BackEnd : std::uint8_t {
    Reached,         ///< step_back: as many steps as asked for.
    Hit,             ///< run_back: the machine stands at the last hit before where it was.
    StartOfHistory,  ///< The machine stands at the oldest point that is known.
    Interrupted,     ///< run_back: request_debugger() or request_stop(); the machine stands where
                     ///< it was.
};

class Timeline {
public:
    struct Options {
        std::uint64_t interval = 20'000'000;   ///< Instructions between checkpoints.
        std::uint64_t max_bytes = 1ULL << 30;  ///< Of pages; older checkpoints are thinned out.
    };

    /// History begins here. The machine must outlive the timeline and must be run through run() or
    /// the functions below from now on; its thread is the machine's. The first checkpoint is made.
    explicit Timeline(Machine& machine);
    Timeline(Machine& machine, const Options& options);
    ~Timeline();
    Timeline(const Timeline&) = delete;
    Timeline& operator=(const Timeline&) = delete;

    /// As Machine::run, and leaves checkpoints behind. A stop by a handler (request_stop) or limit
    /// is where it would be without a timeline.
    StopEvent run(const RunLimits& limits);

    /// The oldest and the newest point that are known.
    [[nodiscard]] std::uint64_t begin() const;
    [[nodiscard]] std::uint64_t end() const;

    /// Goes to a point of the known past or future. Errors: before begin() or after end() (ERANGE).
    /// Nothing stops on the way: no breakpoint and no request.
    [[nodiscard]] Result<void> go_to(std::uint64_t instructions);

    /// Goes `steps` instructions back; a fault or interrupt that was delivered since counts as one.
    BackEnd step_back(std::uint64_t steps = 1);

    /// Goes to the last point before now at which a run stops and `is_hit` says yes. The first form
    /// looks for breakpoints and watchpoints.
    BackEnd run_back();
    BackEnd run_back(const IsHit& is_hit);

    /// Now is the end of what is known. To be called after the host has changed the machine.
    void forget_future();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace trapgate::emu

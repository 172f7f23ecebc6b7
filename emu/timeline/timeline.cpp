// SPDX-License-Identifier: GPL-2.0-only
#include "emu/timeline/timeline.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "emu/timeline/checkpoints.hpp"

namespace trapgate::emu {
namespace {

// A checkpoint is made so far in front of where going back arrives: the next step back is short.
constexpr std::uint64_t kNear = 100'000;

/// The console is silent while this lives.
class Mute {
public:
    explicit Mute(Machine& machine) : machine_(machine) { machine_.mute_console(true); }
    Mute(const Mute&) = delete;
    Mute& operator=(const Mute&) = delete;
    ~Mute() { machine_.mute_console(false); }

private:
    Machine& machine_;
};

bool is_request(StopReason reason) {
    return reason == StopReason::Requested || reason == StopReason::Debugger;
}

bool is_debug_stop(const StopEvent& stop) {
    return stop.reason == StopReason::Breakpoint || stop.reason == StopReason::Watchpoint;
}

}  // namespace

class Timeline::Impl {
public:
    Impl(Machine& machine, const Options& options)
        : machine_(machine), options_(options), checkpoints_(options.max_bytes), end_(now()) {
        checkpoints_.add({now(), machine_.save(), true, true});
    }

    StopEvent run(const RunLimits& limits);
    [[nodiscard]] std::uint64_t begin() const { return checkpoints_.oldest().at; }
    [[nodiscard]] std::uint64_t end() const { return std::max(end_, now()); }
    Result<void> go_to(std::uint64_t target);
    BackEnd step_back(std::uint64_t steps);
    BackEnd run_back(const IsHit& is_hit);
    void forget_future();

private:
    [[nodiscard]] std::uint64_t now() const { return machine_.counters().instructions; }
    void restore(const MachineState& state);
    /// Where the next checkpoint on the way from here is due.
    [[nodiscard]] std::uint64_t next_checkpoint() const;
    /// From a checkpoint to the first boundary at `target`, whatever happens on the way.
    void run_to(std::uint64_t target);
    /// Now is the newest point that was seen: what lies behind is known until here.
    void know_now();

    enum class PassEnd : std::uint8_t { Limit, EnoughHits, Interrupted };
    /// Runs from here to `limit` and counts hits, up to `enough`; those at or behind
    /// `first_ignored` do not count.
    PassEnd pass(const IsHit& is_hit, std::uint64_t limit, std::uint64_t first_ignored,
                 std::uint64_t enough, std::uint64_t& hits);

    Machine& machine_;
    Options options_;
    Checkpoints checkpoints_;
    std::uint64_t end_;  ///< The newest point that was reached and left.
};

void Timeline::Impl::restore(const MachineState& state) {
    const Result<void> restored = machine_.restore(state, FutureInput::Repeat);
    TG_CHECK(restored.has_value(), "a checkpoint of this machine does not fit it");
}

std::uint64_t Timeline::Impl::next_checkpoint() const {
    const Checkpoint* const last = checkpoints_.before(now() + 1);
    return std::max(last->at + options_.interval, now() + 1);
}

void Timeline::Impl::know_now() { end_ = std::max(end_, now()); }

StopEvent Timeline::Impl::run(const RunLimits& limits) {
    using HostClock = std::chrono::steady_clock;
    const HostClock::time_point begin = HostClock::now();
    for (;;) {
        const std::uint64_t here = now();
        const bool past = here < end_;
        RunLimits slice = limits;
        const Checkpoint* const changed = past ? checkpoints_.pinned_after(here) : nullptr;
        const std::uint64_t known = changed != nullptr ? changed->at : past ? end_ : UINT64_MAX;
        slice.max_instructions = std::min({limits.max_instructions, next_checkpoint(), known});
        if (limits.max_host_seconds > 0) {
            const std::chrono::duration<double> gone = HostClock::now() - begin;
            slice.max_host_seconds = std::max(limits.max_host_seconds - gone.count(), 1e-6);
        }
        machine_.mute_console(past);
        const StopEvent stop = machine_.run(slice);
        machine_.mute_console(false);
        const std::uint64_t there = now();
        if (changed != nullptr && there >= changed->at) {
            restore(*changed->state);  // What the host changed there, is changed again.
        }
        if (stop.reason != StopReason::InsnLimit || there >= limits.max_instructions) {
            return stop;
        }
        if (there >= next_checkpoint() - 1) {
            checkpoints_.add({there, machine_.save(), false, true});
        }
    }
}

void Timeline::Impl::run_to(std::uint64_t target) {
    const Mute mute(machine_);
    while (now() < target) {
        const std::uint64_t before = now();
        const std::uint64_t near = target > kNear && target - kNear > before ? target - kNear
                                                                             : target;
        RunLimits limits;
        limits.max_instructions = std::min(near, std::max(next_checkpoint(), before + kNear));
        limits.debug_stops = false;
        const StopEvent stop = machine_.run(limits);
        if (stop.reason == StopReason::InsnLimit && now() < target) {
            checkpoints_.add({now(), machine_.save(), false, true});
        }
        const bool stuck = now() == before && !is_request(stop.reason);
        TG_CHECK(!stuck, "the past cannot be repeated");
    }
}

Result<void> Timeline::Impl::go_to(std::uint64_t target) {
    know_now();
    if (target < begin() || target > end_) {
        return fail(fmt::format("instruction {} is not known", target), "timeline",
                    fmt::format("history goes from {} to {}", begin(), end_), ERANGE);
    }
    const Checkpoint start = *checkpoints_.start_for(target);
    restore(*start.state);
    run_to(target);
    return {};
}

BackEnd Timeline::Impl::step_back(std::uint64_t steps) {
    know_now();
    const std::uint64_t here = now();
    if (steps == 0) {
        return BackEnd::Reached;
    }
    // Something may have been delivered since the instruction before retired.
    const cpu::RegisterFile registers = machine_.cpu().registers();
    static_cast<void>(go_to(here));
    if (machine_.cpu().registers() != registers) {
        --steps;
    }
    if (steps > here - begin()) {
        static_cast<void>(go_to(begin()));
        return BackEnd::StartOfHistory;
    }
    if (steps > 0) {
        static_cast<void>(go_to(here - steps));
    }
    return BackEnd::Reached;
}

Timeline::Impl::PassEnd Timeline::Impl::pass(const IsHit& is_hit, std::uint64_t limit,
                                             std::uint64_t first_ignored, std::uint64_t enough,
                                             std::uint64_t& hits) {
    const Mute mute(machine_);
    hits = 0;
    RunLimits limits;
    limits.max_instructions = limit;
    for (;;) {
        const std::uint64_t before = now();
        const StopEvent stop = machine_.run(limits);
        if (now() >= first_ignored) {
            return PassEnd::Limit;
        }
        if (is_hit(stop)) {
            if (++hits == enough) {
                return PassEnd::EnoughHits;
            }
        } else if (is_request(stop.reason)) {
            return PassEnd::Interrupted;
        } else if (now() == before && !is_debug_stop(stop)) {
            return PassEnd::Limit;
        }
        if (now() >= limit) {
            return PassEnd::Limit;
        }
    }
}

BackEnd Timeline::Impl::run_back(const IsHit& is_hit) {
    know_now();
    const StatePtr origin = machine_.save();
    std::uint64_t end = now();
    std::uint64_t first_ignored = end;
    while (const Checkpoint* const found = checkpoints_.before(end)) {
        const Checkpoint start = *found;
        std::uint64_t all = 0;
        restore(*start.state);
        if (pass(is_hit, end, first_ignored, UINT64_MAX, all) == PassEnd::Interrupted) {
            restore(*origin);
            return BackEnd::Interrupted;
        }
        if (all > 0) {
            std::uint64_t again = 0;
            restore(*start.state);
            const PassEnd arrived = pass(is_hit, end, first_ignored, all, again);
            if (arrived == PassEnd::Interrupted) {
                restore(*origin);
                return BackEnd::Interrupted;
            }
            TG_CHECK(arrived == PassEnd::EnoughHits, "the past did not repeat itself");
            return BackEnd::Hit;
        }
        // A hit where this part begins was reported as the end of the one before.
        end = start.at;
        first_ignored = UINT64_MAX;
    }
    restore(*checkpoints_.oldest().state);
    return BackEnd::StartOfHistory;
}

void Timeline::Impl::forget_future() {
    const std::uint64_t here = now();
    machine_.forget_future_input();
    checkpoints_.cut(here);
    checkpoints_.add({here, machine_.save(), true, false});
    end_ = here;
}

Timeline::Timeline(Machine& machine) : Timeline(machine, Options{}) {}

Timeline::Timeline(Machine& machine, const Options& options)
    : impl_(std::make_unique<Impl>(machine, options)) {}

Timeline::~Timeline() = default;

StopEvent Timeline::run(const RunLimits& limits) { return impl_->run(limits); }

std::uint64_t Timeline::begin() const { return impl_->begin(); }

std::uint64_t Timeline::end() const { return impl_->end(); }

Result<void> Timeline::go_to(std::uint64_t instructions) { return impl_->go_to(instructions); }

BackEnd Timeline::step_back(std::uint64_t steps) { return impl_->step_back(steps); }

BackEnd Timeline::run_back() { return impl_->run_back(is_debug_stop); }

BackEnd Timeline::run_back(const IsHit& is_hit) { return impl_->run_back(is_hit); }

void Timeline::forget_future() { impl_->forget_future(); }

}  // namespace trapgate::emu

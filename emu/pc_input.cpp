// SPDX-License-Identifier: GPL-2.0-only
// What comes into the machine from outside, and how the host's time goes beside the machine's.
#include <algorithm>
#include <chrono>

#include "emu/pc_machine.hpp"

namespace trapgate::emu {
namespace {

// Several CPUs run the slice one after the other: an input may only come at its end. With one CPU
// slices may be long, and any cycle ahead will do. No slice of several CPUs is longer than this.
constexpr Cycles kSoon{10'000};

constexpr std::chrono::hours kLongWait(1);

}  // namespace

void PcMachine::console_input(std::string_view bytes) {
    input_.push(InputKind::Console, bytes);
    poke();
}

std::size_t PcMachine::console_backlog() const { return input_.backlog() + uart_.backlog(); }

void PcMachine::set_input_listener(std::function<void(const InputEntry&)> listener) {
    input_listener_ = std::move(listener);
}

InputLog PcMachine::input_log() const {
    const std::vector<InputEntry>& entries = *input_.entries();
    return {identity_,
            {entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(input_.acted())},
            RecordedEnd{{instructions(), now()}, 0, {}}};
}

Result<void> PcMachine::replay(const InputLog& log, const std::string& name) {
    Result<void> ours = identity_.accepts(log.identity, name);
    if (!ours) {
        return ours;
    }
    if (instructions() != 0) {
        return fail("a replay begins with a machine that has not run", name, {}, EBUSY);
    }
    input_.replay(log.entries);
    return {};
}

std::optional<InputPlace> PcMachine::replay_divergence() const { return input_.divergence(); }

void PcMachine::schedule_input() {
    if (input_.waiting()) {
        input_.schedule(std::min(slice_end_, now() + kSoon));
        slice_end_ = std::min(slice_end_, input_.next_event().value_or(slice_end_));
    }
}

void PcMachine::advance_input(Cycles begin) {
    input_.advance({instructions(), begin}, [this](const InputEntry& entry) {
        uart_.receive(entry.bytes);
        if (input_listener_) {
            input_listener_(entry);
        }
    });
}

Cycles PcMachine::wall_cycles() const {
    const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(
        HostWake::Clock::now() - pace_start_);
    return pace_origin_ + Cycles{static_cast<std::uint64_t>(passed.count())};  // 1 GHz
}

void PcMachine::wait_for_wall(Cycles cycle) const {
    const std::uint64_t ahead = cycle > pace_origin_ ? (cycle - pace_origin_).value : 0;
    const auto longest = std::chrono::nanoseconds(kLongWait);
    const auto wait = std::min(ahead, static_cast<std::uint64_t>(longest.count()));
    wake_.wait(pace_start_ + std::chrono::nanoseconds(wait));
}

void PcMachine::hold_back() {
    if (limits_.pace == PaceMode::Real) {
        while (now() > wall_cycles() && !requested()) {
            wait_for_wall(now());
        }
    }
}

bool PcMachine::requested() const { return stop_wanted_ || debugger_wanted_ || time_is_up_; }

void PcMachine::take_requests() {
    if (stop_wanted_.exchange(false)) {
        end_run(StopReason::Requested, 0);
    } else if (debugger_wanted_.exchange(false)) {
        end_run(StopReason::Debugger, 0);
    } else if (time_is_up_.exchange(false)) {
        end_run(StopReason::TimeLimit, 0);
    }
}

}  // namespace trapgate::emu

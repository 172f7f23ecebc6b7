// SPDX-License-Identifier: GPL-2.0-only
// Time and turns. Virtual time is cut into slices. In a slice each CPU that does not sleep runs,
// one after the other, up to the slice's end; there the devices act, interrupts they raise wake
// CPUs, and the next slice begins. A slice ends
//
// - at the next event of a device, so that with one CPU every event has its exact place;
// - after kQuantum when several CPUs run, so that none waits long for another;
// - at once, when a CPU sends an interprocessor interrupt or starts a timer that ends earlier.
//
// When all CPUs sleep, time jumps to the next event. A run that is stopped by the host goes on in
// the middle of its slice: where the host stops cannot show.
#include <algorithm>

#include "emu/pc_machine.hpp"

namespace trapgate::emu {
namespace {

// Long enough to make changing CPUs cheap, short enough for a spinning CPU to see what it waits
// for.
constexpr Cycles kQuantum{10'000};

constexpr Cycles kNever{UINT64_MAX};

}  // namespace

Cycles PcMachine::now() const { return here().now(); }

std::uint64_t PcMachine::now_ns() const { return now().value; }  // kNominalHz is 1 GHz.

std::uint64_t PcMachine::instructions() const {
    std::uint64_t sum = 0;
    for (const auto& cpu : cpus_) {
        sum += cpu->engine->instructions();
    }
    return sum;
}

// CPUs run one after the other, each from the slice's beginning: one that reads another's time
// stamp from memory must not read an older one itself.
std::uint64_t PcMachine::time_stamp_counter() {
    std::uint64_t cycles = now().value;
    if (cpus_.size() > 1) {
        cycles = std::max(cycles, newest_tsc_);
        newest_tsc_ = cycles;
    }
    return here().msrs.time_stamp(cycles);
}

std::optional<Cycles> PcMachine::next_event() const {
    const std::optional<Cycles> input = input_.next_event();
    const std::optional<Cycles> device = next_device_event();
    return input && (!device || *input < *device) ? input : device;
}

std::optional<Cycles> PcMachine::next_device_event() const {
    std::optional<Cycles> next;
    const auto consider = [&next](std::optional<Cycles> event) {
        if (event && event->value < kEndOfTime && (!next || *event < *next)) {
            next = event;
        }
    };
    consider(timer_.next_event());
    consider(cmos_.next_event());
    for (const auto& cpu : cpus_) {
        consider(cpu->apic.next_event());
    }
    return next;
}

void PcMachine::reschedule() {
    slice_end_ = std::min(slice_end_, std::max(next_event().value_or(kNever), now()));
    set_deadline();
}

void PcMachine::set_deadline() {
    const bool held = now() >= slice_end_ && !turn_is_over();
    const Cycles end = std::min(held ? now() + Cycles{1} : slice_end_, limits_.max_cycles);
    // In instructions: idle time does not pass while the CPU runs.
    const PcCpu& cpu = here();
    const std::uint64_t done = cpu.engine->instructions();
    const std::uint64_t by_cycles = end == kNever ? UINT64_MAX
                                                  : (end <= cpu.idle ? 0 : (end - cpu.idle).value);
    const std::uint64_t others = instructions() - done;
    const std::uint64_t by_instructions = limits_.max_instructions <= others
                                              ? 0
                                              : limits_.max_instructions - others;
    cpu.engine->set_deadline(std::max(std::min(by_cycles, by_instructions), done));
}

bool PcMachine::turn_is_over() const {
    if (here().activity != PcCpu::Activity::Running) {
        return true;
    }
    return now() >= slice_end_ &&
           (cpus_.size() == 1 || !ProbeWindow::text_contains(engine().rip()));
}

void PcMachine::begin_slice() {
    for (;;) {
        const Cycles begin = slice_end_;
        timer_.advance(begin);
        cmos_.advance(begin);
        std::size_t running = 0;
        for (const auto& cpu : cpus_) {
            cpu->apic.advance(begin);
        }
        advance_input(begin);
        for (const auto& cpu : cpus_) {
            if (cpu->startup) {
                cpu->engine->start_up(*cpu->startup);
                cpu->startup.reset();
                cpu->activity = PcCpu::Activity::Running;
                cpu->sleep_until(begin);
            } else if (cpu->activity == PcCpu::Activity::Halted && wakes(*cpu)) {
                cpu->activity = PcCpu::Activity::Running;
                cpu->sleep_until(begin);
            }
            running += cpu->activity == PcCpu::Activity::Running ? 1 : 0;
        }
        const Cycles event = next_event().value_or(kNever);
        if (running > 0) {
            slice_end_ = running == 1 ? event : std::min(event, begin + kQuantum);
            return;
        }
        // Nobody runs. Only an event could help, and only if somebody listens.
        const bool somebody_listens = std::ranges::any_of(cpus_, [](const auto& cpu) {
            return cpu->activity == PcCpu::Activity::Halted &&
                   (cpu->engine->rflags() & cpu::rflags::kIf) != 0;
        });
        if (!somebody_listens) {
            here().sleep_until(begin);
            end_run(StopReason::Dead, 0);
            return;
        }
        const std::optional<Cycles> woken = sleep_from(begin);
        if (!woken) {
            return;
        }
        slice_end_ = *woken;
    }
}

void PcMachine::pass_turn() {
    for (unsigned next = current_ + 1; next < cpus_.size(); ++next) {
        if (cpus_[next]->activity == PcCpu::Activity::Running && cpus_[next]->now() < slice_end_) {
            current_ = next;
            return;
        }
    }
    const bool all_sleep = std::ranges::none_of(
        cpus_, [](const auto& cpu) { return cpu->activity == PcCpu::Activity::Running; });
    if (all_sleep) {  // The rest of the slice is not worked, but slept.
        Cycles last{0};
        for (const auto& cpu : cpus_) {
            last = std::max(last, cpu->now());
        }
        slice_end_ = std::min(slice_end_, last);
    }
    begin_slice();
    for (unsigned first = 0; first < cpus_.size(); ++first) {
        if (cpus_[first]->activity == PcCpu::Activity::Running) {
            current_ = first;
            return;
        }
    }
}

std::optional<Cycles> PcMachine::sleep_from(Cycles begin) {
    for (;;) {
        Cycles event = next_event().value_or(kNever);
        const Cycles real = limits_.pace == PaceMode::Real ? std::clamp(wall_cycles(), begin, event)
                                                           : begin;
        if (input_.waiting()) {
            input_.schedule(real);
            event = std::min(event, input_.next_event().value_or(kNever));
        }
        const Cycles limit = std::max(limits_.max_cycles, begin);
        if (requested()) {
            slice_end_ = std::min(real, limit);  // This much has passed.
            here().sleep_until(slice_end_);
            take_requests();
            return std::nullopt;
        }
        if (event == kNever) {
            if (!limits_.input_may_come) {
                here().sleep_until(begin);
                end_run(StopReason::Dead, 0);
                return std::nullopt;
            }
            wake_.wait(std::nullopt);
            continue;
        }
        const Cycles wake = std::min(event, limit);
        if (limits_.pace == PaceMode::Real && real < wake) {
            wait_for_wall(wake);
            continue;
        }
        if (limit < event) {
            slice_end_ = limit;
            here().sleep_until(limit);
            end_run(StopReason::CycleLimit, 0);
            return std::nullopt;
        }
        return event;
    }
}

void PcMachine::halt() {
    PcCpu& cpu = here();
    if (wakes(cpu)) {
        return;
    }
    cpu.activity = PcCpu::Activity::Halted;
    settle();
}

void PcMachine::settle() {
    while (!ending_ && turn_is_over()) {
        pass_turn();
    }
    if (running_ != nullptr && running_ != &engine()) {
        running_->stop();
    }
    if (!ending_) {
        schedule_input();
        hold_back();
    }
    take_requests();
    if (instructions() >= limits_.max_instructions) {
        end_run(StopReason::InsnLimit, 0);
    } else if (now() >= limits_.max_cycles) {
        end_run(StopReason::CycleLimit, 0);
    }
    set_deadline();
}

void PcMachine::deadline_reached() { settle(); }

}  // namespace trapgate::emu

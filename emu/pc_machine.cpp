// SPDX-License-Identifier: GPL-2.0-only
#include "emu/pc_machine.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "cpu/page_walk.hpp"
#include "emu/engine/self_check.hpp"
#include "emu/mp_table.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kPanicStatus = 255;
constexpr std::uint64_t kMinRam = 1ULL << 20;
constexpr std::uint64_t kMaxRam = 3ULL << 30;  // Below the 32-bit device hole.
constexpr unsigned kCpus = 1;

constexpr unsigned kKeyboardIrq = 1;
constexpr unsigned kSerialIrq = 4;
constexpr unsigned kClockIrq = 8;

/// Calls `when_up` after some host time, from a thread of its own, unless destroyed before.
class HostTimer {
public:
    HostTimer(double seconds, std::function<void()> when_up) {
        if (seconds > 0) {
            thread_ = std::thread([this, seconds, when_up = std::move(when_up)] {
                std::unique_lock lock(mutex_);
                if (!wake_.wait_for(lock, std::chrono::duration<double>(seconds),
                                    [this] { return cancelled_; })) {
                    when_up();
                }
            });
        }
    }
    HostTimer(const HostTimer&) = delete;
    HostTimer& operator=(const HostTimer&) = delete;
    ~HostTimer() {
        if (thread_.joinable()) {
            {
                const std::lock_guard lock(mutex_);
                cancelled_ = true;
            }
            wake_.notify_one();
            thread_.join();
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool cancelled_ = false;
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Machine>> Machine::create(const MachineConfig& config) {
    return PcMachine::create(config);
}

Result<std::unique_ptr<Machine>> PcMachine::create(const MachineConfig& config) {
    if (config.model != "functional") {
        return fail("no such timing model", config.model, "the models are: functional");
    }
    if (config.ram_bytes < kMinRam || config.ram_bytes > kMaxRam ||
        config.ram_bytes % kPageBytes != 0) {
        return fail(fmt::format("{} bytes of RAM are not possible", config.ram_bytes), "--mem",
                    "whole pages between 1M and 3G");
    }
    const Result<void> engine_is_right = check_engine_once();
    if (!engine_is_right) {
        return tl::unexpected(engine_is_right.error());
    }
    std::unique_ptr<PcMachine> machine(new PcMachine(config));
    return SharedRegion::create("trapgate-ram", config.ram_bytes)
        .and_then([&](SharedRegion ram) {
            machine->memory_.add(GuestPa{0}, std::move(ram), true);
            return ProbeWindow::create(machine->memory_);
        })
        .and_then([&](std::unique_ptr<ProbeWindow> window) {
            machine->window_ = std::move(window);
            write_mp_table(machine->memory_, kCpus);
            return Engine::create(machine->memory_, *machine,
                                  {{kLocalApicBase, kPageBytes}, {kIoApicBase, kPageBytes}});
        })
        .map([&](std::unique_ptr<Engine> engine) {
            machine->engine_ = std::move(engine);
            machine->engine_->set_interrupt_hold(kWindowTextVa, kWindowTextVa + kWindowTextBytes);
            machine->window_->set_unmap_listener(
                [target = machine->engine_.get()] { target->flush_tlb(); });
            return std::unique_ptr<Machine>(std::move(machine));
        });
}

PcMachine::PcMachine(const MachineConfig& config)
    : config_(config),
      pic_([this](bool) { update_interrupt_line(); }),
      apic_(*this, 0,
            {[this] { update_interrupt_line(); },
             [this](std::uint8_t vector) { io_apic_.end_of_interrupt(vector); },
             [this](std::uint64_t command) { send_ipi(command); }}),
      io_apic_(kCpus, [this](const ApicMessage& message) { deliver(message); }),
      timer_(*this,
             [this] {
                 set_irq(kTimerIrq, true);
                 set_irq(kTimerIrq, false);
             }),
      cmos_(*this, config.ram_bytes, [this](bool level) { set_irq(kClockIrq, level); }),
      uart_([this](bool level) { set_irq(kSerialIrq, level); }),
      keyboard_([this](bool level) { set_irq(kKeyboardIrq, level); },
                [this] { end_run(StopReason::Shutdown, 0); }),
      power_(
          [this](std::uint32_t status) {
              end_run(status == kPanicStatus ? StopReason::Panic : StopReason::GuestExit, status);
          },
          [this] { end_run(StopReason::Shutdown, 0); }) {
    pic_.attach(ports_);
    timer_.attach(ports_);
    cmos_.attach(ports_);
    ports_.map(0x3f8, 8, uart_);
    keyboard_.attach(ports_);
    power_.attach(ports_);
}

Cycles PcMachine::now() const { return Cycles{engine_->instructions()} + idle_; }

std::uint64_t PcMachine::now_ns() const { return now().value; }  // kNominalHz is 1 GHz.

std::optional<Cycles> PcMachine::next_device_event() const {
    std::optional<Cycles> next;
    for (const std::optional<Cycles> event :
         {timer_.next_event(), apic_.next_event(), cmos_.next_event()}) {
        if (event && (!next || *event < *next)) {
            next = event;
        }
    }
    return next;
}

void PcMachine::reschedule() {
    const Cycles next = std::min(next_device_event().value_or(Cycles{UINT64_MAX}),
                                 limits_.max_cycles);
    // In instructions: idle time does not pass while the CPU runs.
    const std::uint64_t by_cycles = next.value == UINT64_MAX
                                        ? UINT64_MAX
                                        : (next <= idle_ ? 0 : (next - idle_).value);
    const std::uint64_t at = std::min(by_cycles, limits_.max_instructions);
    engine_->set_deadline(std::max(at, engine_->instructions()));
}

void PcMachine::settle() {
    timer_.advance(now());
    apic_.advance(now());
    cmos_.advance(now());
    if (stop_wanted_.exchange(false)) {
        end_run(StopReason::Requested, 0);
    } else if (debugger_wanted_.exchange(false)) {
        end_run(StopReason::Debugger, 0);
    } else if (time_is_up_.exchange(false)) {
        end_run(StopReason::TimeLimit, 0);
    } else if (engine_->instructions() >= limits_.max_instructions) {
        end_run(StopReason::InsnLimit, 0);
    } else if (now() >= limits_.max_cycles) {
        end_run(StopReason::CycleLimit, 0);
    }
    reschedule();
}

void PcMachine::deadline_reached() { settle(); }

bool PcMachine::idle() {
    const std::optional<Cycles> event = next_device_event();
    const bool interrupts_on = (engine_->rflags() & cpu::rflags::kIf) != 0;
    const bool pending = apic_.pending() || external_pending();
    if (!interrupts_on || (!event && !pending)) {
        return false;
    }
    if (!pending) {
        const Cycles target = std::min(*event, limits_.max_cycles);
        if (target > now()) {
            idle_ = idle_ + (target - now());
        }
    }
    settle();
    return true;
}

void PcMachine::end_run(StopReason reason, std::uint32_t status) {
    if (!ending_) {
        ending_ = StopEvent{reason, status, GuestVa{}};
    }
    engine_->stop();
}

void PcMachine::request_stop() {
    stop_wanted_ = true;
    engine_->poke();
}

StopEvent PcMachine::run(const RunLimits& limits) {
    limits_ = limits;
    ending_.reset();
    time_is_up_ = false;
    const HostTimer timer(limits.max_host_seconds, [this] {
        time_is_up_ = true;
        engine_->poke();
    });
    arm_breakpoints();
    const std::uint64_t begin = engine_->instructions();
    settle();
    while (!ending_) {
        switch (engine_->run()) {
            case EngineExit::Stopped:
                TG_CHECK(ending_.has_value(), "the engine stopped by itself");
                break;
            case EngineExit::Breakpoint: end_run(StopReason::Breakpoint, 0); break;
            case EngineExit::TripleFault: end_run(StopReason::TripleFault, 0); break;
            case EngineExit::Halted:
                if (!idle()) {
                    end_run(StopReason::Dead, 0);
                }
                break;
        }
    }
    if (arrived_at_breakpoint(begin)) {
        ending_->reason = StopReason::Breakpoint;
    }
    ending_->rip = engine_->rip();
    return *ending_;
}

Counters PcMachine::counters() const {
    Counters counters = counters_;
    counters.instructions = engine_->instructions();
    counters.blocks = engine_->blocks();
    counters.cycles = now();
    return counters;
}

void PcMachine::count_delivery(std::uint8_t vector, bool external) {
    if (external) {
        ++counters_.interrupts;
    } else if (vector < counters_.exceptions.size()) {
        ++counters_.exceptions[vector];
    }
}

void PcMachine::set_console_sink(std::function<void(std::string_view)> sink) {
    uart_.set_sink(std::move(sink));
}

void PcMachine::console_input(std::string_view bytes) { uart_.receive(bytes); }

}  // namespace trapgate::emu

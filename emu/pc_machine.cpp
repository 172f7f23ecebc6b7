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

constexpr std::uint64_t kMinRam = 1ULL << 20;
constexpr std::uint64_t kMaxRam = 3ULL << 30;  // Below the 32-bit device hole.

constexpr unsigned kKeyboardIrq = 1;
constexpr unsigned kSerialIrq = 4;
constexpr unsigned kClockIrq = 8;

// How often a run at the wall clock's pace looks at it, at least.
constexpr double kPaceSeconds = 0.01;

/// Calls `when_up` after some host time, once or again and again, from a thread of its own, until
/// destroyed. Never for a time of 0.
class HostTimer {
public:
    enum class Repeat : std::uint8_t { No, Yes };

    HostTimer(double seconds, Repeat repeat, std::function<void()> when_up) {
        if (seconds > 0) {
            thread_ = std::thread([this, seconds, repeat, when_up = std::move(when_up)] {
                std::unique_lock lock(mutex_);
                while (!wake_.wait_for(lock, std::chrono::duration<double>(seconds),
                                       [this] { return cancelled_; })) {
                    when_up();
                    if (repeat == Repeat::No) {
                        return;
                    }
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
    if (config.cpus < 1 || config.cpus > kMaxCpus) {
        return fail(fmt::format("{} CPUs are not possible", config.cpus), "--cpus",
                    fmt::format("1 to {}", kMaxCpus));
    }
    const Result<void> engine_is_right = check_engine_once();
    if (!engine_is_right) {
        return tl::unexpected(engine_is_right.error());
    }
    Result<HostWake> wake = HostWake::create();
    if (!wake) {
        return tl::unexpected(wake.error());
    }
    std::unique_ptr<PcMachine> machine(new PcMachine(config, std::move(*wake)));
    // RAM, but for the gap in which the probe window has its page tables.
    constexpr GuestPa kUpper = kWindowTablesPa + kWindowTablesBytes;
    return SharedRegion::create("trapgate-ram", config.ram_bytes - kUpper.value)
        .and_then([&](SharedRegion upper) {
            machine->memory_.add(kUpper, std::move(upper), true);
            return SharedRegion::create("trapgate-low-ram", kWindowTablesPa.value);
        })
        .and_then([&](SharedRegion lower) {
            machine->memory_.add(GuestPa{0}, std::move(lower), true);
            return ProbeWindow::create(machine->memory_);
        })
        .and_then([&](std::unique_ptr<ProbeWindow> window) {
            machine->window_ = std::move(window);
            write_mp_table(machine->memory_, config.cpus);
            return Engine::create(machine->memory_, *machine,
                                  {{kLocalApicBase, kPageBytes}, {kIoApicBase, kPageBytes}},
                                  config.cpus);
        })
        .map([&](std::vector<std::unique_ptr<Engine>> engines) {
            for (std::size_t i = 0; i < engines.size(); ++i) {
                engines[i]->set_interrupt_hold(kWindowTextVa, kWindowTextVa + kWindowTextBytes);
                machine->cpus_[i]->engine = std::move(engines[i]);
            }
            machine->window_->set_unmap_listener(
                [target = machine.get()] { target->flush_tlbs(); });
            return std::unique_ptr<Machine>(std::move(machine));
        });
}

PcMachine::PcMachine(const MachineConfig& config, HostWake wake)
    : config_(config),
      pic_([this](bool) { update_interrupt_lines(); }),
      io_apic_(static_cast<std::uint8_t>(config.cpus),
               [this](const ApicMessage& message) { deliver(message); }),
      timer_(*this,
             [this] {
                 set_irq(kTimerIrq, true);
                 set_irq(kTimerIrq, false);
             }),
      cmos_(*this, config.ram_bytes, [this](bool level) { set_irq(kClockIrq, level); }),
      uart_([this](bool level) { set_irq(kSerialIrq, level); }),
      keyboard_([this](bool level) { set_irq(kKeyboardIrq, level); },
                [this] { end_run(StopReason::Shutdown, 0); }),
      power_({[this](std::uint32_t status) { end_run(StopReason::GuestExit, status); },
              [this](std::uint32_t status) { end_run(StopReason::Panic, status); },
              [this] { end_run(StopReason::Shutdown, 0); }}),
      wake_(std::move(wake)) {
    identity_.ram_bytes = config.ram_bytes;
    identity_.cpus = config.cpus;
    identity_.model = config.model;
    Clock& clock = *this;
    for (unsigned i = 0; i < config.cpus; ++i) {
        cpus_.push_back(std::make_unique<PcCpu>(
            clock, static_cast<std::uint8_t>(i),
            LocalApic::Outputs{
                [this, i] { update_interrupt_line(*cpus_[i]); },
                [this](std::uint8_t vector) { io_apic_.end_of_interrupt(vector); },
                [this, i](std::uint64_t command) { send_ipi(*cpus_[i], command); }}));
        cpus_[i]->activity = i == 0 ? PcCpu::Activity::Running : PcCpu::Activity::WaitForSipi;
    }
    pic_.attach(ports_);
    timer_.attach(ports_);
    cmos_.attach(ports_);
    ports_.map(0x3f8, 8, uart_);
    keyboard_.attach(ports_);
    power_.attach(ports_);
    uart_.set_sink([this](std::string_view bytes) {
        if (console_sink_ && !console_muted_) {
            console_sink_(bytes);
        }
    });
}

void PcMachine::end_run(StopReason reason, std::uint32_t status) {
    if (!ending_) {
        ending_ = StopEvent{reason, status, GuestVa{}};
    }
    if (running_ != nullptr) {
        running_->stop();
    }
}

void PcMachine::request_stop() {
    stop_wanted_ = true;
    poke();
}

StopEvent PcMachine::run(const RunLimits& limits) {
    limits_ = limits;
    ending_.reset();
    time_is_up_ = false;
    const HostTimer timer(limits.max_host_seconds, HostTimer::Repeat::No, [this] {
        time_is_up_ = true;
        poke();
    });
    const HostTimer pacer(limits.pace == PaceMode::Real ? kPaceSeconds : 0, HostTimer::Repeat::Yes,
                          [this] { poke(); });
    pace_start_ = HostWake::Clock::now();
    pace_origin_ = now();
    arm_breakpoints();
    const std::uint64_t begin = instructions();
    settle();
    while (!ending_) {
        running_ = &engine();
        const EngineExit exit = running_->run();
        running_ = nullptr;
        switch (exit) {
            case EngineExit::Stopped: break;  // Somebody else's turn, or the end.
            case EngineExit::Breakpoint: end_run(StopReason::Breakpoint, 0); break;
            case EngineExit::TripleFault: end_run(StopReason::TripleFault, 0); break;
            case EngineExit::Halted: halt(); break;
        }
    }
    if (arrived_at_breakpoint(begin)) {
        ending_->reason = StopReason::Breakpoint;
    }
    ending_->rip = engine().rip();
    if (window_origin_ && ProbeWindow::text_contains(ending_->rip)) {
        ending_->rip = window_origin_(ending_->rip);
    }
    return *ending_;
}

// Whichever CPU runs by now, it looks.
void PcMachine::poke() {
    for (const auto& cpu : cpus_) {
        cpu->engine->poke();
    }
    wake_.notify();
}

void PcMachine::flush_tlbs() {
    for (const auto& cpu : cpus_) {
        cpu->engine->flush_tlb();
    }
}

Counters PcMachine::counters() const {
    Counters counters = counters_;
    counters.instructions = instructions();
    counters.blocks = 0;
    for (const auto& cpu : cpus_) {
        counters.blocks += cpu->engine->blocks();
    }
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
    console_sink_ = std::move(sink);
}

}  // namespace trapgate::emu

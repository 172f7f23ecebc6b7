// SPDX-License-Identifier: GPL-2.0-only
#include "emu/pc_machine.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "cpu/page_walk.hpp"
#include "emu/engine/self_check.hpp"

namespace trapgate::emu {
namespace {

constexpr std::byte kInt3{0xcc};
constexpr std::uint32_t kPanicStatus = 255;
constexpr std::uint64_t kMinRam = 1ULL << 20;
constexpr std::uint64_t kMaxRam = 3ULL << 30;  // Below the 32-bit device hole.
constexpr unsigned kTimerIrq = 0;
constexpr unsigned kSerialIrq = 4;

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
            return Engine::create(machine->memory_, *machine);
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
      pic_([this](bool asserted) { engine_->set_interrupt_line(asserted); }),
      timer_(*this, [this] { pic_.pulse(kTimerIrq); }),
      uart_([this](bool level) { pic_.set_line(kSerialIrq, level); }),
      power_(
          [this](std::uint32_t status) {
              end_run(status == kPanicStatus ? StopReason::Panic : StopReason::GuestExit, status);
          },
          [this] { end_run(StopReason::Shutdown, 0); }) {
    pic_.attach(ports_);
    timer_.attach(ports_);
    ports_.map(0x3f8, 8, uart_);
    power_.attach(ports_);
}

// --- Time
// -------------------------------------------------------------------------------------------

Cycles PcMachine::now() const { return Cycles{engine_->instructions()} + idle_; }

std::uint64_t PcMachine::now_ns() const { return now().value; }  // kNominalHz is 1 GHz.

std::optional<Cycles> PcMachine::next_device_event() const { return timer_.next_event(); }

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
    if (stop_wanted_.exchange(false)) {
        end_run(StopReason::Requested, 0);
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
    if (!interrupts_on || (!event && !pic_.asserted())) {
        return false;
    }
    if (!pic_.asserted()) {
        const Cycles target = std::min(*event, limits_.max_cycles);
        if (target > now()) {
            idle_ = idle_ + (target - now());
        }
    }
    settle();
    return true;
}

// --- Running
// ----------------------------------------------------------------------------------------

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
    settle();
    while (!ending_) {
        switch (engine_->run()) {
            case EngineExit::Stopped:
                TG_CHECK(ending_.has_value(), "the engine stopped by itself");
                break;
            case EngineExit::TripleFault: end_run(StopReason::TripleFault, 0); break;
            case EngineExit::Halted:
                if (!idle()) {
                    end_run(StopReason::Dead, 0);
                }
                break;
        }
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

bool PcMachine::intercept_exception(const ExceptionEvent& event) {
    if (event.vector != static_cast<std::uint8_t>(cpu::Vector::Breakpoint) || !event.software) {
        return false;
    }
    const GuestVa at = event.rip - 1;
    const TrapHandler* handler = nullptr;
    if (const auto trap = window_traps_.find(at.value); trap != window_traps_.end()) {
        handler = &trap->second;
    } else if (const auto planted = planted_.find(at.value); planted != planted_.end()) {
        handler = &planted->second.handler;
        if (planted->second.cost == TrapCost::Free) {
            engine_->uncount_instruction();
        }
    }
    if (handler == nullptr) {
        return false;
    }
    engine_->set_rip(at);
    const TrapHandler keep = *handler;  // It may remove itself.
    keep(*this);
    return true;
}

void PcMachine::count_delivery(std::uint8_t vector, bool external) {
    if (external) {
        ++counters_.interrupts;
    } else if (vector < counters_.exceptions.size()) {
        ++counters_.exceptions[vector];
    }
}

std::optional<std::uint8_t> PcMachine::acknowledge_interrupt() {
    if (!pic_.asserted()) {
        return std::nullopt;
    }
    return pic_.acknowledge();
}

std::uint32_t PcMachine::port_in(std::uint16_t port, unsigned bytes) {
    return ports_.read(port, bytes);
}

void PcMachine::port_out(std::uint16_t port, unsigned bytes, std::uint32_t value) {
    ports_.write(port, bytes, value);
}

// --- Memory
// -----------------------------------------------------------------------------------------

std::optional<GuestPa> PcMachine::translate(GuestVa va) const {
    const cpu::Walk walk = cpu::walk_page_tables(memory_, engine_->cr3(), va);
    return walk.present ? std::optional(walk.address) : std::nullopt;
}

std::optional<GuestPa> PcMachine::locate(GuestVa va) const {
    if (const std::optional<GuestPa> mapped = translate(va)) {
        return mapped;
    }
    for (const KernelImage::Range& range : kernel_.ranges) {
        if (va >= range.linked && va - range.linked < range.bytes) {
            return range.loaded + (va - range.linked);
        }
    }
    return std::nullopt;
}

bool PcMachine::read(GuestVa va, std::span<std::byte> to) const {
    std::size_t done = 0;
    while (done < to.size()) {
        const GuestVa at = va + done;
        const std::size_t step = std::min<std::size_t>(to.size() - done,
                                                       kPageBytes - at.value % kPageBytes);
        const std::optional<GuestPa> pa = translate(at);
        const std::span<std::byte> from = pa ? memory_.view(*pa, step) : std::span<std::byte>{};
        if (from.empty()) {
            return false;
        }
        std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(done));
        done += step;
    }
    for (auto planted = planted_.lower_bound(va.value);
         planted != planted_.end() && planted->first - va.value < to.size(); ++planted) {
        to[planted->first - va.value] = planted->second.original;
    }
    return true;
}

bool PcMachine::write(GuestVa va, std::span<const std::byte> from) {
    for (std::size_t done = 0; done < from.size();) {  // All or nothing.
        const GuestVa at = va + done;
        const std::optional<GuestPa> pa = translate(at);
        if (!pa || memory_.view(*pa, 1).empty()) {
            return false;
        }
        done += std::min<std::size_t>(from.size() - done, kPageBytes - at.value % kPageBytes);
    }
    for (std::size_t done = 0; done < from.size();) {
        const GuestVa at = va + done;
        const std::size_t step = std::min<std::size_t>(from.size() - done,
                                                       kPageBytes - at.value % kPageBytes);
        const GuestPa pa = *translate(at);
        std::memcpy(memory_.view(pa, step).data(), from.data() + done, step);
        engine_->invalidate_code(pa, step);
        done += step;
    }
    for (auto planted = planted_.lower_bound(va.value);
         planted != planted_.end() && planted->first - va.value < from.size(); ++planted) {
        planted->second.original = from[planted->first - va.value];
        memory_.view(planted->second.pa, 1)[0] = kInt3;
    }
    return true;
}

void PcMachine::write_text(const WindowBlock& block, std::uint64_t offset,
                           std::span<const std::byte> from) {
    TG_CHECK(offset <= block.bytes && from.size() <= block.bytes - offset, "text block overflow");
    std::memcpy(block.host + offset, from.data(), from.size());
    engine_->invalidate_code(block.pa + offset, from.size());
}

Result<void> PcMachine::map_window() {
    return window_->map_into(memory_, GuestPa{engine_->cr3() & cpu::pte::kAddressMask})
        .map([this](bool changed) {
            if (changed) {
                engine_->flush_tlb();
            }
        });
}

// --- Traps
// ------------------------------------------------------------------------------------------

void PcMachine::add_window_trap(GuestVa va, TrapHandler handler) {
    TG_CHECK(ProbeWindow::text_contains(va), "a window trap lies in window text");
    const bool added = window_traps_.emplace(va.value, std::move(handler)).second;
    TG_CHECK(added, "two traps at one address of the window");
}

void PcMachine::remove_window_trap(GuestVa va) { window_traps_.erase(va.value); }

Result<void> PcMachine::plant(GuestVa va, TrapHandler handler, TrapCost cost) {
    if (planted_.contains(va.value)) {
        return fail("a probe or breakpoint stands there already", kernel_.symbols.describe(va), {},
                    EBUSY);
    }
    const std::optional<GuestPa> pa = locate(va);
    const std::span<std::byte> byte = pa ? memory_.view(*pa, 1) : std::span<std::byte>{};
    if (byte.empty()) {
        return fail("the address is not mapped", fmt::format("{:#x}", va.value),
                    "has the kernel set up its page tables yet?", EFAULT);
    }
    planted_[va.value] = {*pa, byte[0], std::move(handler), cost};
    byte[0] = kInt3;
    engine_->invalidate_code(*pa, 1);
    return {};
}

void PcMachine::unplant(GuestVa va) {
    const auto planted = planted_.find(va.value);
    if (planted == planted_.end()) {
        return;
    }
    memory_.view(planted->second.pa, 1)[0] = planted->second.original;
    engine_->invalidate_code(planted->second.pa, 1);
    planted_.erase(planted);
}

// --- Console
// ----------------------------------------------------------------------------------------

void PcMachine::set_console_sink(std::function<void(std::string_view)> sink) {
    uart_.set_sink(std::move(sink));
}

void PcMachine::console_input(std::string_view bytes) { uart_.receive(bytes); }

}  // namespace trapgate::emu

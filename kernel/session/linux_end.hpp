// SPDX-License-Identifier: GPL-2.0-only
// How a Linux guest ends. It knows no debug-exit port: after a panic it restarts or loops for ever,
// and "System halted" is an endless halt. What it meant is seen from the functions it went through.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "emu/machine_runner.hpp"

namespace trapgate::kernel {

/// Watches machine_halt(), machine_power_off() and what only panic() calls, by traps that the clock
/// does not notice and that are gone once hit; in a kernel without these functions it does nothing.
class LinuxEnd {
public:
    /// What a panic's StopEvent has as its status, as the debug-exit port's panics have.
    static constexpr std::uint32_t kPanicStatus = 255;

    explicit LinuxEnd(emu::Machine& machine) : machine_(machine) {}
    LinuxEnd(const LinuxEnd&) = delete;
    LinuxEnd& operator=(const LinuxEnd&) = delete;

    /// The kernel's text must be mapped. A function where somebody else's trap stands is left out.
    void watch();

    /// Runs as Machine::run does; the event says Panic after a panic, even where the guest would
    /// loop on, and Shutdown where the guest halted because it was asked to.
    /// `runner`, when there is one, runs the machine.
    emu::StopEvent run(const emu::RunLimits& limits, emu::MachineRunner* runner = nullptr);

private:
    void watch_for(std::string_view function, std::function<void()> seen);
    [[nodiscard]] emu::StopEvent judged(emu::StopEvent stop, bool out_of_patience) const;

    emu::Machine& machine_;
    std::optional<Cycles> panicked_;
    bool halting_ = false;
};

}  // namespace trapgate::kernel

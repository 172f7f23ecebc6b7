// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "emu/devices/local_apic.hpp"
#include "emu/engine/engine.hpp"
#include "emu/msrs.hpp"

namespace trapgate::emu {

/// One CPU of a PcMachine with what is its alone.
struct PcCpu {
    enum class Activity : std::uint8_t {
        Running,
        Halted,      ///< HLT: until an interrupt.
        WaitForSipi  ///< After INIT: until a start-up interprocessor interrupt.
    };

    PcCpu(Clock& clock, std::uint8_t id, LocalApic::Outputs outputs)
        : apic(clock, id, std::move(outputs)) {}

    std::unique_ptr<Engine> engine;
    LocalApic apic;
    MachineMsrs msrs;
    Cycles idle{0};  ///< Virtual time that passed without instructions.
    Activity activity = Activity::Running;
    std::optional<std::uint8_t> startup;  ///< The start-up vector that ends WaitForSipi.

    /// The CPU's own virtual time. CPUs that sleep stand still until they wake.
    [[nodiscard]] Cycles now() const { return Cycles{engine->instructions()} + idle; }
    void sleep_until(Cycles time) {
        if (time > now()) {
            idle = idle + (time - now());
        }
    }
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>

#include "emu/boot.hpp"

namespace trapgate::emu {

/// A bare guest that makes random accesses to all devices and MSRs without end
/// (device_storm_guest.S). The same seed makes the same run.
class DeviceStorm {
public:
    explicit DeviceStorm(std::uint64_t seed);

    /// To this number of instructions; resets and exits that the guest asks for do not end it.
    StopEvent run_to(std::uint64_t instructions);

    /// A hash of all that the guest has read so far.
    [[nodiscard]] std::uint64_t hash() const { return machine->cpu().gpr(cpu::Gpr::R12); }
    [[nodiscard]] std::uint64_t accesses() const { return machine->cpu().gpr(cpu::Gpr::R13); }
    [[nodiscard]] std::uint64_t interrupts() const { return machine->cpu().gpr(cpu::Gpr::R14); }

    std::unique_ptr<Machine> machine;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/power.hpp"

#include <utility>

namespace trapgate::emu {

PowerControl::PowerControl(std::function<void(std::uint32_t)> on_exit,
                           std::function<void()> on_reset) {
    debug_exit_.on_exit = std::move(on_exit);
    reset_port_.on_reset = std::move(on_reset);
}

void PowerControl::attach(PortBus& bus) {
    bus.map(0xf4, 1, debug_exit_);
    bus.map(0xcf9, 1, reset_port_);
}

void PowerControl::ResetPort::port_write(std::uint16_t, unsigned, std::uint32_t value) {
    constexpr std::uint32_t kResetCpu = 4;
    if ((value & kResetCpu) != 0) {
        on_reset();
    }
}

}  // namespace trapgate::emu

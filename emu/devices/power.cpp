// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/power.hpp"

#include <utility>

namespace trapgate::emu {

PowerControl::PowerControl(Requests requests) {
    debug_exit_.on_exit = std::move(requests.exit);
    debug_exit_.on_panic = std::move(requests.panic);
    reset_port_.on_reset = std::move(requests.reset);
}

void PowerControl::attach(PortBus& bus) {
    bus.map(0xf4, 1, debug_exit_);
    bus.map(0xcf9, 1, reset_port_);
}

void PowerControl::DebugExit::port_write(std::uint16_t, unsigned bytes, std::uint32_t value) {
    constexpr std::uint32_t kPanicStatus = 255;
    (bytes == 4 && value == kPanicStatus ? on_panic : on_exit)(value);
}

void PowerControl::ResetPort::port_write(std::uint16_t, unsigned, std::uint32_t value) {
    constexpr std::uint32_t kResetCpu = 4;
    if ((value & kResetCpu) != 0) {
        on_reset();
    }
}

}  // namespace trapgate::emu

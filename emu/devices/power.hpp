// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Ways for a guest to end the run: the debug-exit port (0xf4, as QEMU's isa-debug-exit, but the
/// value written is the status itself; 255 written as 32 bits says that the kernel panicked, while
/// as one byte it is a status like any other) and the PCI reset port (0xcf9). The keyboard
/// controller has one more.

#include <cstdint>
#include <functional>

#include "emu/devices/port_bus.hpp"

namespace trapgate::emu {

class PowerControl {
public:
    /// What the guest asks for.
    struct Requests {
        std::function<void(std::uint32_t status)> exit;
        std::function<void(std::uint32_t status)> panic;
        std::function<void()> reset;
    };
    explicit PowerControl(Requests requests);
    PowerControl(const PowerControl&) = delete;
    PowerControl& operator=(const PowerControl&) = delete;

    void attach(PortBus& bus);

private:
    struct DebugExit final : PortDevice {
        std::uint32_t port_read(std::uint16_t, unsigned) override { return 0; }
        void port_write(std::uint16_t, unsigned bytes, std::uint32_t value) override;
        std::function<void(std::uint32_t)> on_exit;
        std::function<void(std::uint32_t)> on_panic;
    };
    struct ResetPort final : PortDevice {
        std::uint32_t port_read(std::uint16_t, unsigned) override { return 0; }
        void port_write(std::uint16_t, unsigned, std::uint32_t value) override;
        std::function<void()> on_reset;
    };
    DebugExit debug_exit_;
    ResetPort reset_port_;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The PC's keyboard controller (Intel 8042) at ports 0x60 and 0x64 with nothing plugged in. It
/// answers its own commands, so that a driver is through with it at once: Linux waits half a second
/// for a controller that never answers, a quarter of its boot. A byte for the keyboard comes back
/// as RESEND with the timeout bit, as from an empty socket; there is no mouse port. Its reset line
/// works (commands 0xf0-0xff with bit 0 clear, 0xd1 with bit 0 clear). Source: IBM PS/2 Hardware
/// Interface Technical Reference, "Keyboard and Auxiliary Device Controller".

#include <cstdint>
#include <functional>

#include "emu/devices/port_bus.hpp"

namespace trapgate::emu {

class KeyboardController {
public:
    /// `set_line` is called when the level of IRQ 1 changes, `on_reset` when the guest resets.
    KeyboardController(std::function<void(bool)> set_line, std::function<void()> on_reset);
    KeyboardController(const KeyboardController&) = delete;
    KeyboardController& operator=(const KeyboardController&) = delete;

    void attach(PortBus& bus);

    template <class Archive>
    void fields(Archive& archive) {
        archive("keyboard-controller", 1, status_, output_, config_, pending_, output_port_, line_);
    }

private:
    struct Port final : PortDevice {
        Port(KeyboardController& owner, bool is_command) : owner_(owner), command_(is_command) {}
        std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
        void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;
        KeyboardController& owner_;
        bool command_;
    };

    void command(std::uint8_t value);
    void data(std::uint8_t value);
    void answer(std::uint8_t value, std::uint8_t status = 0);
    [[nodiscard]] std::uint8_t take();
    void write_output_port(std::uint8_t value);
    void update_line();

    std::function<void(bool)> set_line_;
    std::function<void()> on_reset_;
    Port data_port_{*this, false};
    Port command_port_{*this, true};
    std::uint8_t status_;
    std::uint8_t output_ = 0;   ///< The byte that waits to be read, or the last one that did.
    std::uint8_t config_;       ///< The "command byte" of commands 0x20 and 0x60.
    std::uint8_t pending_ = 0;  ///< The command whose data byte comes next; 0 = none.
    std::uint8_t output_port_;  ///< What commands 0xd0 and 0xd1 show and set.
    bool line_ = false;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// A 16550A UART (COM1: ports 0x3f8-0x3ff, IRQ 4), the guest's console. Transmission takes no time:
/// the transmitter is always empty, and a THRE interrupt is raised as soon as it is enabled or a
/// byte was written. Received bytes wait in the 16-byte FIFO behind an unbounded host queue, so
/// none is lost. Source: NS PC16550D data sheet.

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

#include "emu/devices/port_bus.hpp"

namespace trapgate::emu {

class Uart16550 final : public PortDevice {
public:
    /// `on_line(level)` drives the interrupt line.
    explicit Uart16550(std::function<void(bool)> on_line) : on_line_(std::move(on_line)) {}

    void set_sink(std::function<void(std::string_view)> sink) { sink_ = std::move(sink); }
    void receive(std::string_view bytes);

    std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
    void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;

private:
    [[nodiscard]] std::uint8_t interrupt_id() const;
    void update();
    std::uint8_t take_byte();

    std::function<void(bool)> on_line_;
    std::function<void(std::string_view)> sink_;
    std::deque<char> input_;
    std::uint16_t divisor_ = 12;
    std::uint8_t interrupt_enable_ = 0;  // IER
    std::uint8_t fifo_control_ = 0;      // FCR
    std::uint8_t line_control_ = 0;      // LCR
    std::uint8_t modem_control_ = 0;     // MCR
    std::uint8_t scratch_ = 0;
    bool transmit_interrupt_ = false;  // THRE pending
    bool line_ = false;
};

}  // namespace trapgate::emu

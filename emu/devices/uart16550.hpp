// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// A 16550A UART (COM1: ports 0x3f8-0x3ff, IRQ 4), the guest's console. Transmission takes no time:
/// the transmitter is always empty, and a THRE interrupt is raised as soon as it is enabled or a
/// byte was written. The other end of the line sends only while the guest listens, that is, while
/// receive interrupts are enabled or DTR and RTS are both set: bytes typed before, and what does
/// not fit into the 16-byte FIFO, wait on the other side, so that none is lost to a driver that
/// clears the FIFO when it starts. Source: NS PC16550D data sheet.

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
    /// Bytes arrive at the other end of the line.
    void receive(std::string_view bytes);
    /// Bytes that the guest has not taken.
    [[nodiscard]] std::size_t backlog() const { return fifo_.size() + waiting_.size(); }

    std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
    void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;

    template <class Archive>
    void fields(Archive& archive) {
        archive("uart16550", 1, fifo_, waiting_, divisor_, interrupt_enable_, fifo_control_,
                line_control_, modem_control_, scratch_, transmit_interrupt_, line_);
        if constexpr (Archive::kReads) {
            archive.check(
                fifo_.size() <= kFifoBytes && interrupt_enable_ <= 0xf && modem_control_ <= 0x1f,
                "a port that the chip cannot have");
        }
    }

private:
    static constexpr std::size_t kFifoBytes = 16;

    [[nodiscard]] bool looped() const;
    [[nodiscard]] bool listening() const;
    /// Moves waiting bytes into the FIFO.
    void refill();
    [[nodiscard]] std::uint8_t interrupt_id() const;
    void update();
    std::uint8_t take_byte();

    std::function<void(bool)> on_line_;
    std::function<void(std::string_view)> sink_;
    std::deque<char> fifo_;     ///< Received.
    std::deque<char> waiting_;  ///< At the other end.
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

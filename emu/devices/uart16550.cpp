// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/uart16550.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint8_t kLcrDivisorLatch = 0x80;
constexpr std::uint8_t kIerReceive = 0x01;
constexpr std::uint8_t kIerTransmit = 0x02;
constexpr std::uint8_t kIirNone = 0x01;
constexpr std::uint8_t kIirTransmit = 0x02;
constexpr std::uint8_t kIirReceive = 0x04;
constexpr std::uint8_t kFcrEnable = 0x01;
constexpr std::uint8_t kFcrClearReceive = 0x02;
constexpr std::uint8_t kMcrReady = 0x03;  // DTR and RTS
constexpr std::uint8_t kMcrOut2 = 0x08;   // Gates the interrupt line on a PC.
constexpr std::uint8_t kMcrLoop = 0x10;
constexpr std::uint8_t kLsrReceived = 0x01;
constexpr std::uint8_t kLsrTransmitEmpty = 0x60;
constexpr std::uint8_t kMsrConnected = 0xb0;  // DCD, DSR, CTS

}  // namespace

void Uart16550::receive(std::string_view bytes) {
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
    refill();
    update();
}

bool Uart16550::looped() const { return (modem_control_ & kMcrLoop) != 0; }

bool Uart16550::listening() const {
    return !looped() &&
           ((interrupt_enable_ & kIerReceive) != 0 || (modem_control_ & kMcrReady) == kMcrReady);
}

void Uart16550::refill() {
    if (!listening()) {
        return;
    }
    const std::size_t room = (fifo_control_ & kFcrEnable) != 0 ? kFifoBytes : 1;
    while (fifo_.size() < room && !waiting_.empty()) {
        fifo_.push_back(waiting_.front());
        waiting_.pop_front();
    }
}

std::uint8_t Uart16550::interrupt_id() const {
    if ((interrupt_enable_ & kIerReceive) != 0 && !fifo_.empty()) {
        return kIirReceive;
    }
    if ((interrupt_enable_ & kIerTransmit) != 0 && transmit_interrupt_) {
        return kIirTransmit;
    }
    return kIirNone;
}

void Uart16550::update() {
    const bool line = interrupt_id() != kIirNone && (modem_control_ & kMcrOut2) != 0;
    if (line != line_) {
        line_ = line;
        on_line_(line);
    }
}

std::uint8_t Uart16550::take_byte() {
    if (fifo_.empty()) {
        return 0;
    }
    const auto byte = static_cast<std::uint8_t>(fifo_.front());
    fifo_.pop_front();
    refill();
    update();
    return byte;
}

std::uint32_t Uart16550::port_read(std::uint16_t offset, unsigned) {
    const bool latch = (line_control_ & kLcrDivisorLatch) != 0;
    switch (offset) {
        case 0: return latch ? divisor_ & 0xffU : take_byte();
        case 1: return latch ? divisor_ >> 8U : interrupt_enable_;
        case 2: {
            const std::uint8_t id = interrupt_id();
            if (id == kIirTransmit) {
                transmit_interrupt_ = false;  // Reading the identification clears it.
                update();
            }
            return id | ((fifo_control_ & kFcrEnable) != 0 ? 0xc0U : 0U);
        }
        case 3: return line_control_;
        case 4: return modem_control_;
        case 5: return kLsrTransmitEmpty | (fifo_.empty() ? 0U : kLsrReceived);
        case 6:
            if (looped()) {  // Outputs come back as inputs.
                return ((modem_control_ & 0x0cU) << 4) | ((modem_control_ & 0x02U) << 3) |
                       ((modem_control_ & 0x01U) << 5);
            }
            return kMsrConnected;
        default: return scratch_;
    }
}

void Uart16550::port_write(std::uint16_t offset, unsigned, std::uint32_t value) {
    const auto byte = static_cast<std::uint8_t>(value);
    const bool latch = (line_control_ & kLcrDivisorLatch) != 0;
    const bool listened = listening();
    switch (offset) {
        case 0:
            if (latch) {
                divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | byte);
            } else if (looped()) {
                if (fifo_.size() < kFifoBytes) {
                    fifo_.push_back(static_cast<char>(byte));
                }
            } else if (sink_) {
                const char character = static_cast<char>(byte);
                sink_(std::string_view(&character, 1));
            }
            if (!latch) {
                // The byte leaves at once: a falling and a rising edge of "transmitter empty".
                transmit_interrupt_ = false;
                update();
                transmit_interrupt_ = true;
            }
            break;
        case 1:
            if (latch) {
                divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff) | (byte << 8));
            } else {
                if ((byte & kIerTransmit) != 0 && (interrupt_enable_ & kIerTransmit) == 0) {
                    transmit_interrupt_ = true;
                }
                interrupt_enable_ = byte & 0x0f;
            }
            break;
        case 2:
            if ((byte & kFcrClearReceive) != 0) {
                fifo_.clear();
            }
            fifo_control_ = byte;
            break;
        case 3: line_control_ = byte; break;
        case 4: modem_control_ = byte & 0x1f; break;
        case 7: scratch_ = byte; break;
        default: break;
    }
    const bool listens = listening();
    if (listened && !listens) {  // What was not read comes again.
        waiting_.insert(waiting_.begin(), fifo_.begin(), fifo_.end());
        fifo_.clear();
    }
    refill();
    update();
}

}  // namespace trapgate::emu

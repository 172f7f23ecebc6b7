// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/i8254.hpp"

#include <utility>

namespace trapgate::emu {

I8254::I8254(Clock& clock, std::function<void()> on_tick)
    : clock_(clock), on_tick_(std::move(on_tick)) {
    channels_[2].gate = false;
}

void I8254::attach(PortBus& bus) {
    bus.map(0x40, 4, ports_);
    bus.map(0x61, 1, system_control_);
}

std::uint64_t I8254::tick_now() const {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(clock_.now().value) * kHz /
                                      clock_.frequency_hz());
}

// The first cycle at which tick_now() is `tick`.
Cycles I8254::cycles_of(std::uint64_t tick) const {
    const auto scaled = static_cast<unsigned __int128>(tick) * clock_.frequency_hz();
    return {static_cast<std::uint64_t>((scaled + kHz - 1) / kHz)};
}

std::uint16_t I8254::counter(const Channel& channel) const {
    const std::uint64_t gone = tick_now() - channel.start_tick;
    std::uint64_t left = 0;
    if (channel.mode == 3) {
        left = channel.count - (2 * gone) % channel.count;  // Counts down by two.
    } else if (channel.mode == 2) {
        left = channel.count - gone % channel.count;
    } else {
        left = (channel.count - gone) & 0xffff;
    }
    return static_cast<std::uint16_t>(left);
}

bool I8254::output(const Channel& channel) const {
    if (!channel.armed) {
        return channel.mode != 0;
    }
    const std::uint64_t gone = tick_now() - channel.start_tick;
    switch (channel.mode) {
        case 2: return gone % channel.count != channel.count - 1;
        case 3: return gone % channel.count < (channel.count + 1) / 2;
        default: return gone >= channel.count;
    }
}

void I8254::load(unsigned index, std::uint16_t value) {
    Channel& channel = channels_[index];
    channel.count = value == 0 ? 0x10000U : value;
    channel.start_tick = tick_now();
    channel.armed = true;
    if (index == 0) {
        next_tick_ = channel.start_tick + channel.count;
        clock_.reschedule();
    }
}

std::optional<Cycles> I8254::next_event() const {
    return next_tick_ ? std::optional(cycles_of(*next_tick_)) : std::nullopt;
}

void I8254::advance(Cycles now) {
    while (next_tick_ && cycles_of(*next_tick_) <= now) {
        const Channel& channel = channels_[0];
        next_tick_ = periodic(channel) ? std::optional(*next_tick_ + channel.count) : std::nullopt;
        on_tick_();
    }
}

void I8254::control(std::uint8_t value) {
    const unsigned select = value >> 6;
    if (select == 3) {  // Read-back: latch count and status of the chosen channels.
        for (unsigned i = 0; i < 3; ++i) {
            if (((value >> (i + 1)) & 1) == 0) {
                continue;
            }
            Channel& channel = channels_[i];
            if ((value & 0x20) == 0 && !channel.latched) {
                channel.latched = counter(channel);
            }
            if ((value & 0x10) == 0) {
                channel.latched_status = static_cast<std::uint8_t>(
                    (output(channel) ? 0x80 : 0) | (channel.armed ? 0 : 0x40) |
                    (channel.access << 4) | (channel.mode << 1));
            }
        }
        return;
    }
    Channel& channel = channels_[select];
    const auto access = static_cast<std::uint8_t>((value >> 4) & 3);
    if (access == 0) {
        if (!channel.latched) {
            channel.latched = counter(channel);
        }
        return;
    }
    const auto mode = static_cast<std::uint8_t>((value >> 1) & 7);
    channel.access = access;
    channel.mode = mode > 5 ? static_cast<std::uint8_t>(mode - 4) : mode;
    channel.high_byte_next_write = access == 2;
    channel.high_byte_next_read = access == 2;
    channel.armed = false;
    channel.latched.reset();
    if (select == 0) {
        next_tick_.reset();
        clock_.reschedule();
    }
}

void I8254::write_counter(unsigned index, std::uint8_t value) {
    Channel& channel = channels_[index];
    switch (channel.access) {
        case 1: load(index, value); break;
        case 2: load(index, static_cast<std::uint16_t>(value << 8)); break;
        default:
            if (channel.high_byte_next_write) {
                load(index, static_cast<std::uint16_t>(channel.low_latch | (value << 8)));
            } else {
                channel.low_latch = value;
            }
            channel.high_byte_next_write = !channel.high_byte_next_write;
    }
}

std::uint8_t I8254::read_counter(unsigned index) {
    Channel& channel = channels_[index];
    if (channel.latched_status) {
        return *std::exchange(channel.latched_status, std::nullopt);
    }
    const std::uint16_t value = channel.latched ? *channel.latched : counter(channel);
    bool high = channel.access == 2;
    if (channel.access == 3) {
        high = channel.high_byte_next_read;
        channel.high_byte_next_read = !high;
    }
    if (channel.access != 3 || high) {
        channel.latched.reset();
    }
    return static_cast<std::uint8_t>(high ? value >> 8 : value & 0xff);
}

std::uint32_t I8254::Ports::port_read(std::uint16_t offset, unsigned) {
    return offset == 3 ? 0xff : timer.read_counter(offset);
}

void I8254::Ports::port_write(std::uint16_t offset, unsigned, std::uint32_t value) {
    if (offset == 3) {
        timer.control(static_cast<std::uint8_t>(value));
    } else {
        timer.write_counter(offset, static_cast<std::uint8_t>(value));
    }
}

std::uint32_t I8254::SystemControl::port_read(std::uint16_t, unsigned) {
    const Channel& channel = timer.channels_[2];
    // Bit 4 toggles with DRAM refresh (about every 15 us); old delay loops watch it.
    const std::uint32_t refresh = (timer.tick_now() / 18) & 1;
    return (channel.gate ? 1U : 0U) | (speaker & 2U) | (refresh << 4) |
           (timer.output(channel) ? 0x20U : 0U);
}

void I8254::SystemControl::port_write(std::uint16_t, unsigned, std::uint32_t value) {
    Channel& channel = timer.channels_[2];
    const bool gate = (value & 1) != 0;
    if (gate && !channel.gate) {
        channel.start_tick = timer.tick_now();
    }
    channel.gate = gate;
    speaker = static_cast<std::uint8_t>(value & 2);
}

}  // namespace trapgate::emu

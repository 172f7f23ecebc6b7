// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The PC's Intel 8254 timer at ports 0x40-0x43, with channel 2's gate and output in port 0x61.
/// Counts at 1,193,182 Hz of virtual time. Modes 0, 2, 3 and 4; binary counting; latch and
/// read-back commands. Channel 0's rising output is IRQ 0. Source: Intel 8254 data sheet (231164).

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "emu/devices/port_bus.hpp"
#include "emu/devices/timed_device.hpp"

namespace trapgate::emu {

class I8254 final : public TimedDevice {
public:
    static constexpr std::uint64_t kHz = 1'193'182;

    /// `on_tick` is called at each rising edge of channel 0.
    I8254(Clock& clock, std::function<void()> on_tick);
    I8254(const I8254&) = delete;
    I8254& operator=(const I8254&) = delete;

    void attach(PortBus& bus);
    [[nodiscard]] std::optional<Cycles> next_event() const override;
    void advance(Cycles now) override;

    template <class Archive>
    void fields(Archive& archive) {
        archive("i8254", 1, channels_, next_tick_, system_control_.speaker);
        if constexpr (Archive::kReads) {
            archive.check(next_tick_.value_or(0) <= kLastTick, "a tick beyond all time");
        }
    }

private:
    static constexpr std::uint64_t kLastTick = 1ULL << 52;  ///< Some 2^62 ns.

    struct Channel {
        std::uint8_t mode = 0;
        std::uint8_t access = 3;  // 1 = low byte, 2 = high byte, 3 = low then high
        bool high_byte_next_write = false;
        bool high_byte_next_read = false;
        bool gate = true;
        bool armed = false;             // A count has been loaded.
        std::uint8_t low_latch = 0;     // Low byte of a count that is being written.
        std::uint32_t count = 0x10000;  // 1..65536
        std::uint64_t start_tick = 0;   // When the count was loaded.
        std::optional<std::uint16_t> latched;
        std::optional<std::uint8_t> latched_status;

        template <class Archive>
        void fields(Archive& archive) {
            archive.list(mode, access, high_byte_next_write, high_byte_next_read, gate, armed,
                         low_latch, count, start_tick, latched, latched_status);
            if constexpr (Archive::kReads) {
                archive.check(
                    mode <= 5 && access >= 1 && access <= 3 && count >= 1 && count <= 0x10000,
                    "a counter that the chip cannot have");
            }
        }
    };

    struct Ports final : PortDevice {
        explicit Ports(I8254& owner) : timer(owner) {}
        std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
        void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;
        I8254& timer;
    };
    struct SystemControl final : PortDevice {
        explicit SystemControl(I8254& owner) : timer(owner) {}
        std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
        void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;
        I8254& timer;
        std::uint8_t speaker = 0;
    };

    [[nodiscard]] std::uint64_t tick_now() const;
    [[nodiscard]] Cycles cycles_of(std::uint64_t tick) const;
    [[nodiscard]] std::uint16_t counter(const Channel& channel) const;
    [[nodiscard]] bool output(const Channel& channel) const;
    static bool periodic(const Channel& channel) { return channel.mode == 2 || channel.mode == 3; }
    void control(std::uint8_t value);
    void load(unsigned index, std::uint16_t value);
    std::uint8_t read_counter(unsigned index);
    void write_counter(unsigned index, std::uint8_t value);

    Clock& clock_;
    std::function<void()> on_tick_;
    std::array<Channel, 3> channels_;
    std::optional<std::uint64_t> next_tick_;  // Channel 0's next rising edge, in ticks since reset.
    Ports ports_{*this};
    SystemControl system_control_{*this};
};

}  // namespace trapgate::emu

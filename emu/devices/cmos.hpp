// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The PC's real-time clock and CMOS memory (Motorola MC146818) at ports 0x70 (index; bit 7 masks
/// NMI and is ignored) and 0x71 (data). It shows virtual time, counted from 2026-01-01 00:00:00 UTC
/// at reset, so every run sees the same date. BCD or binary, 24 or 12 hours; the update, alarm and
/// periodic interrupts on IRQ 8; the century in register 0x32; memory sizes where PC firmware
/// leaves them (0x15-0x18, 0x30-0x31, 0x34-0x35). Sources: MC146818A data sheet; the memory map of
/// PC firmware as the "CMOS" page of the OSDev wiki and Linux' nvram driver describe it.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "emu/devices/port_bus.hpp"
#include "emu/devices/timed_device.hpp"

namespace trapgate::emu {

class Cmos final : public PortDevice, public TimedDevice {
public:
    /// Seconds from 1970 to the date at reset.
    static constexpr std::int64_t kStart = 1'767'225'600;

    /// `set_line` is called when the level of IRQ 8 changes.
    Cmos(Clock& clock, std::uint64_t ram_bytes, std::function<void(bool)> set_line);
    Cmos(const Cmos&) = delete;
    Cmos& operator=(const Cmos&) = delete;

    void attach(PortBus& bus) { bus.map(0x70, 2, *this); }
    std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
    void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;
    [[nodiscard]] std::optional<Cycles> next_event() const override;
    void advance(Cycles now) override;

    template <class Archive>
    void fields(Archive& archive) {
        archive("cmos", 1, registers_, index_, at_, offset_, line_);
        if constexpr (Archive::kReads) {
            constexpr std::int64_t kFar = std::int64_t{1} << 40;  // in seconds
            archive.check(index_ < kRegisters && offset_ > -kFar && offset_ < kFar,
                          "a date that the chip cannot have");
        }
    }

private:
    static constexpr std::size_t kRegisters = 128;

    [[nodiscard]] std::uint8_t read_register(std::uint8_t index);
    void write_register(std::uint8_t index, std::uint8_t value);
    [[nodiscard]] std::uint64_t second_of(Cycles at) const;
    [[nodiscard]] std::uint64_t period() const;  ///< Cycles; 0 = off.
    [[nodiscard]] bool setting() const;          ///< Register B bit SET: the date stands still.
    [[nodiscard]] bool enabled(std::uint8_t flag) const;
    void show_time(std::int64_t unix_seconds);
    [[nodiscard]] std::int64_t shown_time() const;
    [[nodiscard]] bool alarm_matches() const;
    [[nodiscard]] std::uint8_t encode(unsigned value) const;
    [[nodiscard]] unsigned decode(std::uint8_t value) const;
    [[nodiscard]] std::uint8_t encode_hour(unsigned hour) const;
    [[nodiscard]] unsigned decode_hour(std::uint8_t value) const;
    void update_line();

    Clock& clock_;
    std::function<void(bool)> set_line_;
    std::array<std::uint8_t, kRegisters> registers_{};
    std::uint8_t index_ = 0;
    Cycles at_{0};                  ///< What the flags and date have been brought up to.
    std::int64_t offset_ = kStart;  ///< Date minus seconds since reset.
    bool line_ = false;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The PC's pair of Intel 8259A interrupt controllers: master at ports 0x20/0x21, slave at
/// 0xa0/0xa1 on the master's IR2. Models edge-triggered inputs, fully nested mode, specific and
/// non-specific EOI, rotation by EOI, special mask mode off, poll mode not offered. Source: Intel
/// 8259A data sheet (231468).

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "emu/devices/port_bus.hpp"

namespace trapgate::emu {

class I8259Pair {
public:
    /// `on_change(asserted)` reports the INTR output towards the CPU.
    explicit I8259Pair(std::function<void(bool)> on_change);
    I8259Pair(const I8259Pair&) = delete;
    I8259Pair& operator=(const I8259Pair&) = delete;

    void attach(PortBus& bus);

    /// Drives input line 0..15; IRR latches rising edges.
    void set_line(unsigned irq, bool high);
    /// A rising edge that falls again at once.
    void pulse(unsigned irq);
    /// INTA: the vector of the highest pending request (7 or 15 of the chip when it was spurious).
    std::uint8_t acknowledge();
    [[nodiscard]] bool asserted() const { return asserted_; }

    template <class Archive>
    void fields(Archive& archive) {
        archive("i8259", 1, chips_, asserted_);
    }

private:
    struct Chip {
        std::uint8_t request = 0;  // IRR
        std::uint8_t service = 0;  // ISR
        std::uint8_t mask = 0xff;  // IMR
        std::uint8_t lines = 0;
        std::uint8_t vector_base = 0;
        std::uint8_t lowest = 7;     // The line with the lowest priority.
        std::uint8_t init_step = 0;  // Which ICW comes next; 0 = operational.
        bool needs_icw4 = false;
        bool single = false;
        bool auto_eoi = false;
        bool rotate_on_auto_eoi = false;
        bool read_service = false;

        [[nodiscard]] std::optional<unsigned> pending() const;
        std::uint8_t take(unsigned line);
        void end_of_interrupt(std::optional<unsigned> line, bool rotate);

        template <class Archive>
        void fields(Archive& archive) {
            archive.list(request, service, mask, lines, vector_base, lowest, init_step, needs_icw4,
                         single, auto_eoi, rotate_on_auto_eoi, read_service);
            if constexpr (Archive::kReads) {
                archive.check(lowest < 8 && init_step <= 4 && vector_base % 8 == 0,
                              "a controller that the chip cannot be");
            }
        }
    };

    struct Port final : PortDevice {
        Port(I8259Pair& owner, unsigned chip) : pair(owner), chip_index(chip) {}
        std::uint32_t port_read(std::uint16_t offset, unsigned bytes) override;
        void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) override;
        I8259Pair& pair;
        unsigned chip_index;
    };

    void write(Chip& chip, bool data_port, std::uint8_t value);
    static void command(Chip& chip, std::uint8_t value);
    void update();

    std::array<Chip, 2> chips_;
    std::array<Port, 2> ports_{Port(*this, 0), Port(*this, 1)};
    std::function<void(bool)> on_change_;
    bool asserted_ = false;
};

}  // namespace trapgate::emu

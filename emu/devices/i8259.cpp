// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/i8259.hpp"

#include <utility>

namespace trapgate::emu {
namespace {

constexpr unsigned kCascadeLine = 2;

// Command words (8259A data sheet, figures 7 and 8).
constexpr std::uint8_t kIcw1 = 0x10;
constexpr std::uint8_t kIcw1Single = 0x02;
constexpr std::uint8_t kIcw1NeedsIcw4 = 0x01;
constexpr std::uint8_t kIcw4AutoEoi = 0x02;
constexpr std::uint8_t kOcw3 = 0x08;

}  // namespace

I8259Pair::I8259Pair(std::function<void(bool)> on_change) : on_change_(std::move(on_change)) {}

void I8259Pair::attach(PortBus& bus) {
    bus.map(0x20, 2, ports_[0]);
    bus.map(0xa0, 2, ports_[1]);
}

std::optional<unsigned> I8259Pair::Chip::pending() const {
    const auto open = static_cast<std::uint8_t>(request & ~mask);
    for (unsigned i = 1; i <= 8; ++i) {
        const unsigned line = (lowest + i) % 8;
        if ((service >> line) & 1) {
            return std::nullopt;  // Something at least as important is in service.
        }
        if ((open >> line) & 1) {
            return line;
        }
    }
    return std::nullopt;
}

std::uint8_t I8259Pair::Chip::take(unsigned line) {
    request = static_cast<std::uint8_t>(request & ~(1U << line));
    if (!auto_eoi) {
        service = static_cast<std::uint8_t>(service | (1U << line));
    } else if (rotate_on_auto_eoi) {
        lowest = static_cast<std::uint8_t>(line);
    }
    return static_cast<std::uint8_t>(vector_base + line);
}

void I8259Pair::Chip::end_of_interrupt(std::optional<unsigned> line, bool rotate) {
    if (!line) {
        for (unsigned i = 1; i <= 8 && !line; ++i) {
            const unsigned candidate = (lowest + i) % 8;
            if ((service >> candidate) & 1) {
                line = candidate;
            }
        }
    }
    if (line) {
        service = static_cast<std::uint8_t>(service & ~(1U << *line));
        if (rotate) {
            lowest = static_cast<std::uint8_t>(*line);
        }
    }
}

void I8259Pair::set_line(unsigned irq, bool high) {
    Chip& chip = chips_[irq / 8];
    const auto bit = static_cast<std::uint8_t>(1U << (irq % 8));
    if (high && (chip.lines & bit) == 0) {
        chip.request |= bit;
    }
    chip.lines = static_cast<std::uint8_t>(high ? chip.lines | bit : chip.lines & ~bit);
    update();
}

void I8259Pair::pulse(unsigned irq) {
    set_line(irq, true);
    set_line(irq, false);
}

void I8259Pair::update() {
    Chip& master = chips_[0];
    constexpr auto kCascadeBit = static_cast<std::uint8_t>(1U << kCascadeLine);
    // The cascade input follows the slave's output; it is a level.
    if (chips_[1].pending()) {
        master.request |= kCascadeBit;
    } else {
        master.request = static_cast<std::uint8_t>(master.request & ~kCascadeBit);
    }
    const bool asserted = master.pending().has_value();
    if (asserted != asserted_) {
        asserted_ = asserted;
        on_change_(asserted);
    }
}

std::uint8_t I8259Pair::acknowledge() {
    Chip& master = chips_[0];
    const std::optional<unsigned> line = master.pending();
    std::uint8_t vector = static_cast<std::uint8_t>(master.vector_base + 7);
    if (line) {
        vector = master.take(*line);
        if (*line == kCascadeLine) {
            Chip& slave = chips_[1];
            const std::optional<unsigned> slave_line = slave.pending();
            vector = slave_line ? slave.take(*slave_line)
                                : static_cast<std::uint8_t>(slave.vector_base + 7);
        }
    }
    update();
    return vector;
}

void I8259Pair::command(Chip& chip, std::uint8_t value) {
    if ((value & kIcw1) != 0) {
        const std::uint8_t lines = chip.lines;
        chip = Chip{};
        chip.lines = lines;
        chip.mask = 0;
        chip.init_step = 2;
        chip.single = (value & kIcw1Single) != 0;
        chip.needs_icw4 = (value & kIcw1NeedsIcw4) != 0;
    } else if ((value & kOcw3) != 0) {
        if ((value & 2) != 0) {
            chip.read_service = (value & 1) != 0;
        }
    } else {
        const bool rotate = (value & 0x80) != 0;
        const bool specific = (value & 0x40) != 0;
        const bool eoi = (value & 0x20) != 0;
        const unsigned line = value & 7U;
        if (eoi) {
            chip.end_of_interrupt(specific ? std::optional(line) : std::nullopt, rotate);
        } else if (rotate && specific) {
            chip.lowest = static_cast<std::uint8_t>(line);
        } else if (!specific) {
            chip.rotate_on_auto_eoi = rotate;
        }
    }
}

void I8259Pair::write(Chip& chip, bool data_port, std::uint8_t value) {
    if (!data_port) {
        command(chip, value);
    } else if (chip.init_step == 2) {
        chip.vector_base = static_cast<std::uint8_t>(value & 0xf8);
        chip.init_step = chip.single ? (chip.needs_icw4 ? 4 : 0) : 3;
    } else if (chip.init_step == 3) {
        chip.init_step = chip.needs_icw4 ? 4 : 0;
    } else if (chip.init_step == 4) {
        chip.auto_eoi = (value & kIcw4AutoEoi) != 0;
        chip.init_step = 0;
    } else {
        chip.mask = value;
    }
    update();
}

std::uint32_t I8259Pair::Port::port_read(std::uint16_t offset, unsigned) {
    const Chip& chip = pair.chips_[chip_index];
    if (offset == 1) {
        return chip.mask;
    }
    return chip.read_service ? chip.service : chip.request;
}

void I8259Pair::Port::port_write(std::uint16_t offset, unsigned, std::uint32_t value) {
    pair.write(pair.chips_[chip_index], offset == 1, static_cast<std::uint8_t>(value));
}

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
// What hangs on the CPU: ports, device registers, platform MSRs, and the way of an interrupt from a
// device's line to the CPU's pin: line -> 8259 pair and IO-APIC -> local APIC (LINT0 for the 8259)
// -> CPU.
#include <algorithm>

#include "emu/pc_machine.hpp"

namespace trapgate::emu {

std::optional<std::uint8_t> PcMachine::acknowledge_interrupt() {
    if (apic_.pending()) {
        return apic_.acknowledge();
    }
    if (external_pending()) {
        return pic_.acknowledge();
    }
    return std::nullopt;
}

bool PcMachine::external_pending() const { return pic_.asserted() && apic_.passes_external(); }

void PcMachine::update_interrupt_line() {
    engine_->set_interrupt_line(apic_.pending().has_value() || external_pending());
}

void PcMachine::set_irq(unsigned irq, bool high) {
    pic_.set_line(irq, high);
    io_apic_.set_line(irq == kTimerIrq ? 2 : irq, high);
}

void PcMachine::deliver(const ApicMessage& message) {
    constexpr std::uint8_t kBroadcast = 0xff;
    const bool for_us = message.logical ? apic_.in_logical_destination(message.destination)
                                        : message.destination == apic_.id() ||
                                              message.destination == kBroadcast;
    if (for_us) {
        apic_.request(message.vector, message.level_triggered);
    }
}

// One CPU: only interrupts to itself arrive.
void PcMachine::send_ipi(std::uint64_t command) {
    const auto shorthand = static_cast<unsigned>(command >> 18) & 3;
    const auto mode = static_cast<unsigned>(command >> 8) & 7;
    constexpr unsigned kFixed = 0;
    constexpr unsigned kSelf = 1;
    constexpr unsigned kAllWithSelf = 2;
    constexpr unsigned kNoShorthand = 0;
    if (mode != kFixed) {
        return;
    }
    const auto vector = static_cast<std::uint8_t>(command);
    if (shorthand == kSelf || shorthand == kAllWithSelf) {
        apic_.request(vector, false);
    } else if (shorthand == kNoShorthand) {
        deliver(
            {vector, static_cast<std::uint8_t>(command >> 56), ((command >> 11) & 1) != 0, false});
    }
}

std::uint64_t PcMachine::read_msr(std::uint32_t index) {
    switch (index) {
        case msr::kApicBase: return apic_.base_msr();
        case msr::kTscDeadline:
            return apic_.deadline() == 0 ? 0 : msrs_.time_stamp(apic_.deadline());
        default: return msrs_.read(index, now().value);
    }
}

bool PcMachine::write_msr(std::uint32_t index, std::uint64_t value) {
    switch (index) {
        case msr::kApicBase: apic_.set_base_msr(value); return true;
        case msr::kTscDeadline:
            // In the past: at once. 0 disarms.
            apic_.set_deadline(value == 0 ? 0 : std::max(msrs_.cycles_at(value), std::uint64_t{1}));
            return true;
        default: return msrs_.write(index, value, now().value);
    }
}

std::uint64_t PcMachine::device_read(GuestPa pa, unsigned bytes) {
    // Registers are 32 bits wide, at 16-byte steps; narrower accesses see their part.
    const auto offset = static_cast<std::uint32_t>(pa.value & (kPageBytes - 1));
    const std::uint32_t aligned = offset & ~3U;
    const std::uint32_t word = pa < kLocalApicBase ? io_apic_.read(aligned) : apic_.read(aligned);
    return (std::uint64_t{word} >> (8 * (offset & 3))) & (~0ULL >> (64 - 8 * bytes));
}

void PcMachine::device_write(GuestPa pa, unsigned bytes, std::uint64_t value) {
    const auto offset = static_cast<std::uint32_t>(pa.value & (kPageBytes - 1));
    if (bytes != 4 || offset % 4 != 0) {
        return;  // Undefined on hardware.
    }
    if (pa < kLocalApicBase) {
        io_apic_.write(offset, static_cast<std::uint32_t>(value));
    } else {
        apic_.write(offset, static_cast<std::uint32_t>(value));
    }
}

std::uint32_t PcMachine::port_in(std::uint16_t port, unsigned bytes) {
    return ports_.read(port, bytes);
}

void PcMachine::port_out(std::uint16_t port, unsigned bytes, std::uint32_t value) {
    ports_.write(port, bytes, value);
}

}  // namespace trapgate::emu

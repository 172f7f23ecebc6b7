// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/io_apic.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kSelect = 0x00;
constexpr std::uint32_t kWindow = 0x10;
constexpr std::uint32_t kVersion = 0x0017'0011;  // 24 entries
constexpr std::uint8_t kFirstEntry = 0x10;

}  // namespace

std::uint32_t IoApic::read(std::uint32_t offset) const {
    if (offset == kSelect) {
        return select_;
    }
    if (offset != kWindow) {
        return 0;
    }
    switch (select_) {
        case 0: return std::uint32_t{id_} << 24;
        case 1: return kVersion;
        case 2: return 0;
        default: break;
    }
    const unsigned pin = (select_ - kFirstEntry) / 2U;
    if (select_ < kFirstEntry || pin >= kPins) {
        return 0;
    }
    return static_cast<std::uint32_t>(entries_[pin] >> (select_ % 2 != 0 ? 32 : 0));
}

void IoApic::write(std::uint32_t offset, std::uint32_t value) {
    if (offset == kSelect) {
        select_ = static_cast<std::uint8_t>(value);
        return;
    }
    if (offset != kWindow) {
        return;
    }
    if (select_ == 0) {
        id_ = static_cast<std::uint8_t>((value >> 24) & 0xf);
        return;
    }
    const unsigned pin = (select_ - kFirstEntry) / 2U;
    if (select_ < kFirstEntry || pin >= kPins) {
        return;
    }
    std::uint64_t& entry = entries_[pin];
    if (select_ % 2 != 0) {
        entry = (entry & 0xffff'ffff) | (std::uint64_t{value} << 32);
        return;
    }
    constexpr std::uint64_t kReadOnly = kRemoteIrr | (1U << 12);
    entry = (entry & (~0xffff'ffffULL | kReadOnly)) | (value & ~kReadOnly);
    if ((entry & kLevel) == 0) {
        entry &= ~kRemoteIrr;
    } else if (((lines_ >> pin) & 1) != 0) {
        raise(pin);
    }
}

void IoApic::set_line(unsigned pin, bool high) {
    const bool was_high = ((lines_ >> pin) & 1) != 0;
    lines_ = high ? lines_ | (1U << pin) : lines_ & ~(1U << pin);
    if (high && (!was_high || (entries_[pin] & kLevel) != 0)) {
        raise(pin);
    }
}

void IoApic::raise(unsigned pin) {
    std::uint64_t& entry = entries_[pin];
    const bool level = (entry & kLevel) != 0;
    if ((entry & kMasked) != 0 || (level && (entry & kRemoteIrr) != 0)) {
        return;
    }
    if (level) {
        entry |= kRemoteIrr;
    }
    deliver_({static_cast<std::uint8_t>(entry), static_cast<std::uint8_t>(entry >> 56),
              (entry & kLogical) != 0, level, static_cast<DeliveryMode>((entry >> 8) & 7)});
}

void IoApic::end_of_interrupt(std::uint8_t vector) {
    for (unsigned pin = 0; pin < kPins; ++pin) {
        std::uint64_t& entry = entries_[pin];
        if ((entry & kRemoteIrr) != 0 && static_cast<std::uint8_t>(entry) == vector) {
            entry &= ~kRemoteIrr;
            if (((lines_ >> pin) & 1) != 0) {
                raise(pin);
            }
        }
    }
}

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The IO-APIC (82093AA) at 0xfec00000: 24 redirection entries, edge and level triggering, fixed
/// and lowest-priority delivery. Pin 2 is IRQ 0, as the MP table tells. Source: Intel 82093AA data
/// sheet (290566).

#include <array>
#include <cstdint>
#include <functional>

#include "base/address.hpp"

namespace trapgate::emu {

inline constexpr GuestPa kIoApicBase{0xfec0'0000};

/// Intel SDM vol. 3, 11.6.1; the IO-APIC knows the same.
enum class DeliveryMode : std::uint8_t {
    Fixed = 0,
    LowestPriority = 1,
    Smi = 2,
    Nmi = 4,
    Init = 5,
    StartUp = 6,
    External = 7
};

/// An interrupt on its way to local APICs.
struct ApicMessage {
    std::uint8_t vector = 0;
    std::uint8_t destination = 0;
    bool logical = false;
    bool level_triggered = false;
    DeliveryMode mode = DeliveryMode::Fixed;
    bool operator==(const ApicMessage&) const = default;
};

class IoApic {
public:
    static constexpr unsigned kPins = 24;

    IoApic(std::uint8_t id, std::function<void(const ApicMessage&)> deliver)
        : id_(id), deliver_(std::move(deliver)) {
        entries_.fill(kMasked);
    }

    [[nodiscard]] std::uint32_t read(std::uint32_t offset) const;
    void write(std::uint32_t offset, std::uint32_t value);
    void set_line(unsigned pin, bool high);
    /// A CPU has finished a level-triggered interrupt.
    void end_of_interrupt(std::uint8_t vector);

    template <class Archive>
    void fields(Archive& archive) {
        archive("io-apic", 1, id_, entries_, lines_, select_);
    }

private:
    static constexpr std::uint64_t kMasked = 1U << 16;
    static constexpr std::uint64_t kLevel = 1U << 15;
    static constexpr std::uint64_t kRemoteIrr = 1U << 14;
    static constexpr std::uint64_t kLogical = 1U << 11;

    void raise(unsigned pin);

    std::uint8_t id_;
    std::function<void(const ApicMessage&)> deliver_;
    std::array<std::uint64_t, kPins> entries_;
    std::uint32_t lines_ = 0;
    std::uint8_t select_ = 0;
};

}  // namespace trapgate::emu

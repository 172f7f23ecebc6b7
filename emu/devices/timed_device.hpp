// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>

#include "base/address.hpp"

namespace trapgate::emu {

/// Where devices get the time from.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Cycles now() const = 0;
    /// Nominal cycles a second.
    [[nodiscard]] virtual std::uint64_t frequency_hz() const = 0;
    /// A device's next event may have moved.
    virtual void reschedule() = 0;
};

/// A device that does something at a time of its own.
class TimedDevice {
public:
    virtual ~TimedDevice() = default;
    /// When advance() wants to be called next; nothing while idle.
    [[nodiscard]] virtual std::optional<Cycles> next_event() const = 0;
    /// Brings the device up to `now`.
    virtual void advance(Cycles now) = 0;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "base/address.hpp"

namespace trapgate::emu {

/// Which accesses a watchpoint notices.
enum class WatchKind : std::uint8_t { Read = 1, Write = 2, Access = 3 };

/// A range of guest-virtual addresses whose data accesses are noticed, in every address space. Code
/// fetches, page walks and the host's own accesses are not.
struct Watchpoint {
    GuestVa va;
    std::uint64_t bytes = 0;
    WatchKind kind = WatchKind::Write;
    bool operator==(const Watchpoint&) const = default;
};

/// Names a watchpoint of a Machine; never used again after its removal.
enum class WatchId : std::uint32_t {};

/// An access that a watchpoint noticed.
struct WatchHit {
    GuestVa address;                    ///< The first byte of the access that is in the watchpoint.
    WatchKind kind = WatchKind::Write;  ///< Of the watchpoint, not of the access.
    bool operator==(const WatchHit&) const = default;
};

}  // namespace trapgate::emu

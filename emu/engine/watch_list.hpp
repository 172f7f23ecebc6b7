// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The data addresses that one CPU watches: for the host's debugger, and for the guest's debug
/// registers.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "emu/watchpoint.hpp"

namespace trapgate::emu {

/// What an access met.
struct WatchMatch {
    std::optional<WatchHit> host;
    std::uint8_t guest = 0;  ///< Bit n: DR n.
    [[nodiscard]] bool any() const { return host.has_value() || guest != 0; }
};

class WatchList {
public:
    void set_host(std::span<const Watchpoint> watchpoints);
    /// The guest's data breakpoints; execution and I/O breakpoints in DR7 are passed over. Whether
    /// any changed.
    bool set_guest(std::span<const std::uint64_t, 4> addresses, std::uint64_t dr7);

    [[nodiscard]] bool empty() const { return ranges_.empty(); }
    /// Which accesses (WatchKind bits) to [va, va + bytes) are to be checked, 0 for none.
    [[nodiscard]] unsigned kinds_in(std::uint64_t va, std::uint64_t bytes) const;
    [[nodiscard]] WatchMatch match(std::uint64_t va, std::uint64_t bytes, unsigned kind) const;

private:
    struct Range {
        std::uint64_t first, last;
        std::uint8_t kinds;
        std::uint8_t guest;  ///< Bit n for DR n; 0 for the host's.
        bool operator==(const Range&) const = default;
        [[nodiscard]] bool overlaps(std::uint64_t from, std::uint64_t to) const {
            return from <= last && to >= first;
        }
    };
    void rebuild();

    std::vector<Range> host_, guest_, ranges_;
};

}  // namespace trapgate::emu

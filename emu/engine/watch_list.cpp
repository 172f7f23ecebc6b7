// SPDX-License-Identifier: GPL-2.0-only
#include "emu/engine/watch_list.hpp"

#include <algorithm>
#include <utility>

#include "cpu/debug_registers.hpp"

namespace trapgate::emu {

void WatchList::set_host(std::span<const Watchpoint> watchpoints) {
    host_.clear();
    for (const Watchpoint& watch : watchpoints) {
        host_.push_back({watch.va.value, watch.va.value + watch.bytes - 1,
                         static_cast<std::uint8_t>(watch.kind), 0});
    }
    rebuild();
}

bool WatchList::set_guest(std::span<const std::uint64_t, 4> addresses, std::uint64_t dr7) {
    const std::vector<Range> before = std::exchange(guest_, {});
    for (unsigned i = 0; i < addresses.size(); ++i) {
        const cpu::DebugCondition condition = cpu::debug_condition(dr7, i);
        const bool writes = condition.type == cpu::DebugCondition::Type::Write;
        const bool both = condition.type == cpu::DebugCondition::Type::ReadWrite;
        if (condition.enabled && (writes || both)) {
            const std::uint64_t first = addresses[i] & ~(condition.bytes - 1ULL);
            const WatchKind kinds = writes ? WatchKind::Write : WatchKind::Access;
            guest_.push_back({first, first + condition.bytes - 1, static_cast<std::uint8_t>(kinds),
                              static_cast<std::uint8_t>(1U << i)});
        }
    }
    rebuild();
    return guest_ != before;
}

void WatchList::rebuild() {
    ranges_ = host_;
    ranges_.insert(ranges_.end(), guest_.begin(), guest_.end());
}

unsigned WatchList::kinds_in(std::uint64_t va, std::uint64_t bytes) const {
    unsigned kinds = 0;
    for (const Range& range : ranges_) {
        kinds |= range.overlaps(va, va + bytes - 1) ? range.kinds : 0U;
    }
    return kinds;
}

WatchMatch WatchList::match(std::uint64_t va, std::uint64_t bytes, unsigned kind) const {
    WatchMatch match;
    for (const Range& range : ranges_) {
        if ((range.kinds & kind) == 0 || !range.overlaps(va, va + bytes - 1)) {
            continue;
        }
        if (range.guest != 0) {
            match.guest |= range.guest;
        } else if (!match.host) {
            match.host = WatchHit{GuestVa{std::max(va, range.first)},
                                  static_cast<WatchKind>(range.kinds)};
        }
    }
    return match;
}

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trapgate::kernel {

class Kprobe;
class Kretprobe;

/// Hits of a probe that ran no handler, and why.
struct MissReason {
    std::string reason;  ///< "inside another probe"
    std::uint64_t count = 0;
    bool operator==(const MissReason&) const = default;
};

/// The probe was hit while a handler ran, which no other may interrupt.
inline constexpr const char* kMissedInside = "inside another probe";
/// A return probe's: as many calls as it can follow were under way.
inline constexpr const char* kMissedMaxactive = "maxactive calls under way";

/// Those that happened at all; together they are nmissed().
[[nodiscard]] std::vector<MissReason> misses_of(const Kprobe& probe);
[[nodiscard]] std::vector<MissReason> misses_of(const Kretprobe& probe);

}  // namespace trapgate::kernel

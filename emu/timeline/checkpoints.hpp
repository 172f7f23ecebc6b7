// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emu/snapshot/machine_state.hpp"

namespace trapgate::emu {

/// A state on the way.
struct Checkpoint {
    std::uint64_t at = 0;  ///< Instructions retired.
    StatePtr state;
    /// It cannot be reached from the one before: history begins there, or the host changed the
    /// machine. Never thrown away.
    bool pinned = false;
    /// It is the first boundary with this count.
    bool first = false;
};

/// The checkpoints of a timeline, by their place. Keeps memory bounded by throwing some away: those
/// whose loss makes the longest way, measured by how long ago it was, grow least.
class Checkpoints {
public:
    explicit Checkpoints(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

    /// Replaces one at the same place, unless that is pinned.
    void add(Checkpoint checkpoint);
    /// Forgets what lies at or behind `at`.
    void cut(std::uint64_t at);

    [[nodiscard]] bool empty() const { return all_.empty(); }
    [[nodiscard]] const Checkpoint& oldest() const { return all_.front(); }
    [[nodiscard]] const std::vector<Checkpoint>& all() const { return all_; }
    /// The last one before `at`; null when there is none.
    [[nodiscard]] const Checkpoint* before(std::uint64_t at) const;
    /// The last one from which the first boundary at `at` can be reached; null when there is none.
    [[nodiscard]] const Checkpoint* start_for(std::uint64_t at) const;
    /// The next pinned one behind `at`; null when there is none.
    [[nodiscard]] const Checkpoint* pinned_after(std::uint64_t at) const;
    /// Bytes of pages that all of them hold.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    static constexpr std::size_t kMost = 64;

    void measure();
    void thin();

    std::uint64_t max_bytes_;
    std::vector<Checkpoint> all_;
    std::uint64_t bytes_ = 0;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <chrono>
#include <optional>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace trapgate::emu {

/// Lets a thread sleep until another one, or a signal handler, has something for it.
class HostWake {
public:
    using Clock = std::chrono::steady_clock;

    static Result<HostWake> create();

    /// Ends the wait in progress, or the next one. Any thread, also a signal handler.
    void notify() const;
    /// Returns after a notification or at `until`, whichever comes first; perhaps earlier.
    void wait(std::optional<Clock::time_point> until) const;

private:
    explicit HostWake(UniqueFd event) : event_(std::move(event)) {}
    UniqueFd event_;
};

}  // namespace trapgate::emu

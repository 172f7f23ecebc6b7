// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "emu/machine.hpp"

namespace trapgate::cli {

/// While it lives, Ctrl-C (SIGINT), SIGTERM and SIGHUP stop `machine` instead of this process; a
/// second one ends the process. One at a time.
class InterruptGuard {
public:
    explicit InterruptGuard(emu::Machine& machine);
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    /// The signal that came, or 0.
    [[nodiscard]] int signal() const;
};

}  // namespace trapgate::cli

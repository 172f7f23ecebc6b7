// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "emu/machine.hpp"

namespace trapgate::emu {

/// Runs a machine in place of Machine::run for whoever owns it: a debugger's server, say.
class MachineRunner {
public:
    virtual ~MachineRunner() = default;
    /// On the machine's own thread; always the same machine until let_go().
    virtual StopEvent run(Machine& machine, const RunLimits& limits) = 0;
    /// The machine is about to be destroyed.
    virtual void let_go() = 0;
};

}  // namespace trapgate::emu

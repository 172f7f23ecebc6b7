// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <optional>

#include "base/result.hpp"
#include "cli/run_output.hpp"
#include "emu/gdb/server.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::cli {

/// The gdb server of a run, if it has one. It must outlive the session.
class Debugger {
public:
    /// Listens, and says on stderr what to type into gdb.
    static Result<Debugger> start(const std::optional<emu::gdb::Server::Options>& options,
                                  RunOutput& output);

    /// For SessionConfig::runner; null without a server.
    [[nodiscard]] emu::MachineRunner* runner() const { return server_.get(); }
    /// gdb's `monitor` is the command table from now on.
    void offer_commands(kernel::Session& session);
    /// gdb has ended the guest.
    [[nodiscard]] bool killed() const { return server_ && server_->killed(); }

private:
    std::unique_ptr<emu::gdb::Server> server_;
};

}  // namespace trapgate::cli

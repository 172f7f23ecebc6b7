// SPDX-License-Identifier: GPL-2.0-only
#include "cli/debugger.hpp"

#include <utility>

#include <fmt/format.h>

#include "cli/stream.hpp"
#include "kernel/session/commands.hpp"

namespace trapgate::cli {

Result<Debugger> Debugger::start(const std::optional<emu::gdb::Server::Options>& options,
                                 RunOutput& output) {
    Debugger debugger;
    if (!options) {
        return debugger;
    }
    return emu::gdb::Server::create(*options).map([&](std::unique_ptr<emu::gdb::Server> server) {
        server->set_before_wait([&output] { output.pause(); });
        standard_error().write(fmt::format("gdb: target remote {}{}\n", server->remote(),
                                           options->wait_for_gdb ? " (the guest waits)" : ""));
        debugger.server_ = std::move(server);
        return std::move(debugger);
    });
}

void Debugger::offer_commands(kernel::Session& session) {
    if (!server_) {
        return;
    }
    server_->set_monitor([&session](std::string_view line) {
        bool running = false;  // gdb alone lets the guest go on.
        kernel::CommandContext context{session, running};
        const Result<std::string> answer = kernel::run_command(context, line);
        return answer ? *answer : answer.error().message();
    });
}

}  // namespace trapgate::cli

// SPDX-License-Identifier: GPL-2.0-only
// The debugger's commands: one table that the GUI, the CLI and scripts all go through.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/session/session.hpp"

namespace trapgate::kernel {

/// What a command may do to the thread that runs the machine.
struct CommandContext {
    Session& session;
    bool& running;  ///< Set to run on after the command.
};

struct Command {
    std::string_view name;
    std::string_view shortest;   ///< The shortest prefix that means it: "c" for continue.
    std::string_view arguments;  ///< "[COUNT]"
    std::string_view help;       ///< One line.
    Result<std::string> (*handler)(CommandContext& context,
                                   const std::vector<std::string>& arguments);
};

[[nodiscard]] std::span<const Command> command_table();

/// Finds and runs a command. Unknown names: EINVAL with the nearest ones.
[[nodiscard]] Result<std::string> run_command(CommandContext& context, std::string_view line);

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
// Mistakes on a command line, in words that are the same for every program.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace trapgate {

/// What a command takes.
struct CommandWords {
    std::string command;                ///< As typed: "trapgate run".
    std::vector<std::string> options;   ///< "--mem"
    std::vector<std::string> commands;  ///< Subcommands, when it has any.
};

/// Below the program itself, where an error of the command is: "run" of "trapgate run".
[[nodiscard]] std::string place_of_command(const std::string& command);

/// "trapgate run --help shows what it takes"
[[nodiscard]] std::string help_hint(const std::string& command);

/// `argument` is none that the command takes: an unknown option or subcommand, with the nearest
/// names, or one too many.
[[nodiscard]] Error unknown_argument(const std::string& argument, const CommandWords& known);

}  // namespace trapgate

// SPDX-License-Identifier: GPL-2.0-only
// The subcommands: each is one file that adds its options and, when it is the one, its work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace trapgate::cli {

/// What the command line has chosen; it answers with the exit status.
using Work = std::function<int()>;

/// Each adds its subcommand to `app` and sets `chosen` when the command line names it.
/// `program` is what stood behind "--" on the command line: a program for the guest and its
/// arguments.
void add_run_command(CLI::App& app, Work& chosen, std::vector<std::string> program);
void add_demo_command(CLI::App& app, Work& chosen);
void add_lab_command(CLI::App& app, Work& chosen);

/// "--help" begins with these: pairs of command and explanation, aligned.
struct Example {
    std::string command, says;
};
/// Examples, and a paragraph below them that says what the command does.
[[nodiscard]] std::string help_opening(const std::vector<Example>& examples,
                                       const std::string& paragraph);

}  // namespace trapgate::cli

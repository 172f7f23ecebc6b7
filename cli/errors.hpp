// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "base/result.hpp"

namespace trapgate::cli {

/// Usage or bad input (DESIGN of the exit statuses: README.md).
inline constexpr int kUsageStatus = 2;
/// Ctrl-C: 128 + SIGINT.
inline constexpr int kInterruptedStatus = 130;

/// "trapgate: where: what", and "hint: ..." on a line of its own.
[[nodiscard]] std::string error_text(const Error& error);

/// {"event":"error","what":...,"where":...,"hint":...,"status":2} on one line.
[[nodiscard]] std::string error_json(const Error& error);

/// Reports a mistake of the user, on stderr or (`json`) as an object on stdout; answers
/// kUsageStatus.
int report_error(const Error& error, bool json = false);

/// What CLI11 found wrong with the command line, in our words: unknown commands and options with
/// the nearest names.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace trapgate::cli

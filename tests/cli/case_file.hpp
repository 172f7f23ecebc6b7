// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace trapgate::cli {

/// One thing that a command must do.
struct Expectation {
    enum class Stream { Out, Err };
    enum class Kind { Has, Lacks, Starts, Empty };
    Stream stream = Stream::Out;
    Kind kind = Kind::Has;
    std::string text;
};

/// A command as a user types it, and what must come of it. In cases.txt:
///
///     == title
///     $ shell command
///     status 2
///     out has TEXT        also: out lacks TEXT, out starts TEXT, out is empty; the same for err
///
/// In TEXT, \e is an escape character. '#' begins a comment line.
struct CommandCase {
    std::string title, command;
    int status = 0;
    std::vector<Expectation> expectations;

    /// The title in letters and digits, as GoogleTest names tests.
    [[nodiscard]] std::string test_name() const;
};

/// What GoogleTest shows of a case.
std::ostream& operator<<(std::ostream& out, const CommandCase& one);

/// Errors name the line.
[[nodiscard]] Result<std::vector<CommandCase>> parse_cases(std::string_view text);

}  // namespace trapgate::cli

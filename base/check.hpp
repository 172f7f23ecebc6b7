// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <source_location>
#include <string_view>

namespace trapgate {

/// Exit status for a bug of Trapgate itself (EX_SOFTWARE of sysexits.h).
inline constexpr int kBugExitStatus = 70;

/// Prints the failed condition with its place and the reason, then ends the process with status 70.
[[noreturn]] void report_bug(std::string_view condition, std::string_view why,
                             const std::source_location& place = std::source_location::current());

/// Called before such an end, on whatever thread finds the bug: to put a terminal back. nullptr:
/// nothing.
void set_bug_hook(void (*hook)());

}  // namespace trapgate

/// An invariant of our own code. Stays on in release builds; never used for input or guest
/// behaviour.
#define TG_CHECK(condition, why)                       \
    do {                                               \
        if (!(condition)) [[unlikely]] {               \
            ::trapgate::report_bug(#condition, (why)); \
        }                                              \
    } while (false)

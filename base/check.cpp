// SPDX-License-Identifier: GPL-2.0-only
#include "base/check.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace trapgate {
namespace {

std::atomic<void (*)()> bug_hook{nullptr};

}  // namespace

void set_bug_hook(void (*hook)()) { bug_hook = hook; }

void report_bug(std::string_view condition, std::string_view why,
                const std::source_location& place) {
    if (void (*const hook)() = bug_hook.exchange(nullptr); hook != nullptr) {
        hook();
    }
    std::fflush(stdout);
    std::fprintf(stderr,
                 "trapgate: this is a bug of Trapgate, not of your input\n"
                 "  %s:%u: %.*s\n  failed: %.*s\n",
                 place.file_name(), place.line(), static_cast<int>(why.size()), why.data(),
                 static_cast<int>(condition.size()), condition.data());
    std::fflush(stderr);
    std::_Exit(kBugExitStatus);
}

}  // namespace trapgate

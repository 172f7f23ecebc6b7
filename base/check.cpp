// SPDX-License-Identifier: GPL-2.0-only
#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace trapgate {

void report_bug(std::string_view condition, std::string_view why,
                const std::source_location& place) {
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

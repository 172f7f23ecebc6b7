// SPDX-License-Identifier: GPL-2.0-only
#include <string_view>

#include "emu/input/input_log.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

// What could be read is written, and must come back.
TRAPGATE_FUZZ(input) {
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    if (const auto log = emu::parse_input_log(text, "input")) {
        fuzz::must(emu::parse_input_log(emu::format_input_log(*log), "again") == log);
    }
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace trapgate::emu {

/// A number from the environment, for long runs by hand.
inline std::uint64_t number_in(const char* variable, std::uint64_t usual) {
    const char* const text = std::getenv(variable);
    return text != nullptr ? std::stoull(text) : usual;
}

}  // namespace trapgate::emu

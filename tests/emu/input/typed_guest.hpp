// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {

/// A guest that counts in RBX, takes the bytes of COM1 by interrupt, and answers each with the byte
/// after it. A '!' ends the run. It sleeps between bytes if told to, and a timer ticks if told to.
class TypedGuest : public BareGuest {
public:
    struct Options {
        bool sleeps = true;
        bool ticks = true;
        unsigned cpus = 1;  ///< The others count in memory all the time.
    };
    explicit TypedGuest(Options options);

    std::string console;
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/initrd.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

TRAPGATE_FUZZ(input) {
    constexpr std::uint64_t kRam = 16 << 20;
    const auto usable = emu::check_initrd(input, "fuzz", kRam);
    fuzz::must(usable || (!usable.error().what.empty() && usable.error().where == "fuzz"));
}

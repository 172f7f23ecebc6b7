// SPDX-License-Identifier: GPL-2.0-only
#include <vector>

#include "emu/loader/kallsyms.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

TRAPGATE_FUZZ(input) {
    constexpr std::uint64_t kMemory = 1 << 20;
    const std::vector<emu::ElfSegment> segments{
        {GuestPa{0x100'0000}, GuestVa{0xffff'ffff'8100'0000}, input, kMemory}};
    std::uint64_t last = 0;
    for (const emu::Symbol& symbol : emu::find_kallsyms(segments)) {
        fuzz::must(symbol.address.value >= last && symbol.size <= kMemory);
        last = symbol.address.value;
    }
    fuzz::must(fuzz::lies_in(emu::find_btf(segments), input));
}

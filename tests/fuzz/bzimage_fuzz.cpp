// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/kernel_file.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

TRAPGATE_FUZZ(input) {
    const auto kernel = emu::parse_kernel_file({input.begin(), input.end()}, "fuzz");
    if (!kernel) {
        fuzz::must(!kernel.error().what.empty() && kernel.error().where == "fuzz");
        return;
    }
    fuzz::must(kernel->storage.size() <= emu::kMaxVmlinux || !kernel->header);
    for (const emu::ElfSegment& segment : kernel->elf.segments) {
        fuzz::must(fuzz::lies_in(segment.bytes, kernel->storage));
    }
}

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/elf_image.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

TRAPGATE_FUZZ(input) {
    const auto image = emu::read_elf_image(input, "fuzz");
    if (!image) {
        fuzz::must(!image.error().what.empty() && image.error().where == "fuzz");
        return;
    }
    fuzz::must(!image->segments.empty() && fuzz::lies_in(image->btf, input));
    for (const emu::ElfSegment& segment : image->segments) {
        fuzz::must(fuzz::lies_in(segment.bytes, input));
        fuzz::must(segment.bytes.size() <= segment.memory_bytes);
    }
}

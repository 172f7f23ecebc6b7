// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>

#include "emu/loader/cpio.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

// What could be read is written, and must come back.
TRAPGATE_FUZZ(input) {
    const auto archive = emu::read_cpio(input);
    if (!archive) {
        return;
    }
    fuzz::must(archive->bytes <= input.size());
    emu::CpioWriter writer;
    for (const emu::CpioEntry& entry : archive->entries) {
        fuzz::must(fuzz::lies_in(entry.data, input));
        writer.add_file(entry.path, entry.data, entry.mode & 07777);
    }
    const std::vector<std::byte> written = writer.finish();
    const auto again = emu::read_cpio(written);
    fuzz::must(again && again->bytes == written.size());
    for (const emu::CpioEntry& entry : archive->entries) {
        const bool there = std::any_of(again->entries.begin(), again->entries.end(),
                                       [&](const emu::CpioEntry& other) {
                                           return std::equal(entry.data.begin(), entry.data.end(),
                                                             other.data.begin(), other.data.end());
                                       });
        fuzz::must(there || entry.path == "TRAILER!!!");
    }
}

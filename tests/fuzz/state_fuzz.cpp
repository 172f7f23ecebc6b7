// SPDX-License-Identifier: GPL-2.0-only
#include <vector>

#include <zstd.h>

#include "emu/snapshot/archive.hpp"
#include "emu/snapshot/hash64.hpp"
#include "emu/snapshot/machine_state.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;

// The input as a file, and as what stands in a file under compression and checksum, which no
// mutation would survive. What could be read is written, and must come back.
TRAPGATE_FUZZ(input) {
    static_cast<void>(emu::decode_state(input, "input"));
    std::vector<std::byte> packed(ZSTD_compressBound(input.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), input.data(), input.size(), 1));
    emu::Hash64 hash;
    hash.add(packed);
    emu::StateWriter file;
    file.raw(std::as_bytes(std::span("trapgate state\n", 16)));
    file.put(std::uint32_t{1});
    file.put(std::uint64_t{input.size()});
    file.put(packed);
    file.put(hash.value());
    const auto state = emu::decode_state(file.bytes(), "body");
    if (!state) {
        fuzz::must(!state.error().what.empty() && state.error().where == "body");
        return;
    }
    const auto again = emu::decode_state(emu::encode_state(**state), "again");
    fuzz::must(again && (*again)->parts == (*state)->parts &&
               (*again)->identity == (*state)->identity && *(*again)->inputs == *(*state)->inputs &&
               (*again)->regions.size() == (*state)->regions.size());
}

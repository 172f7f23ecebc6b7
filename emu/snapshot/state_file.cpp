// SPDX-License-Identifier: GPL-2.0-only
// The file: 16 bytes of name and version, the size of the rest before and after compression, the
// compressed rest, and a checksum of it. The rest is one archive (archive.hpp): identity, place,
// inputs, parts, and each region's stored pages as (index, contents).
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>

#include "base/files.hpp"
#include "emu/snapshot/archive.hpp"
#include "emu/snapshot/hash64.hpp"
#include "emu/snapshot/machine_state.hpp"

namespace trapgate::emu {
namespace {

constexpr std::string_view kMagic = "trapgate state\n";  // and a zero
constexpr std::uint32_t kVersion = 1;
constexpr int kCompression = 1;  // zstd's fastest regular level
// RAM of at most 3 GiB and the probe window's 1 GiB, with room for the rest.
constexpr std::uint64_t kMostBytes = 5ULL << 30;
constexpr std::uint64_t kMostPages = kMostBytes / kPageBytes;
constexpr std::size_t kMostRegions = 16;
// zstd's best: 128 KiB of one byte in a block of 3 bytes. Keeps a lie from taking much memory.
constexpr std::uint64_t kMostRatio = 44'000;

template <class Archive>
void identity_fields(Archive& archive, MachineIdentity& identity, InputPlace& place) {
    archive("machine", 1, identity.image, identity.image_name, identity.command_line,
            identity.ram_bytes, identity.cpus, identity.model, place.instructions, place.cycle);
}

std::uint64_t checksum(std::span<const std::byte> bytes) {
    Hash64 hash;
    hash.add(bytes);
    return hash.value();
}

void write_region(StateWriter& to, const RegionImage& region) {
    StateWriter pages;
    pages.put(region.base.value);
    pages.put(region.pages.pages());
    pages.put(region.pages.stored_pages());
    region.pages.for_each_page([&](std::uint64_t index, const Page& page) {
        pages.put(index);
        pages.raw(page);
    });
    to("region", 1, pages.bytes());
}

RegionImage read_region(StateReader& from) {
    std::span<const std::byte> bytes;
    from("region", 1, bytes);
    StateReader reader(bytes);
    GuestPa base;
    std::uint64_t pages = 0;
    std::uint64_t stored = 0;
    reader.get(base.value);
    reader.get(pages);
    reader.get(stored);
    from.check(reader.ok() && pages <= kMostPages && stored <= pages, "a region of this size");
    RegionImage region{base, PageImage(from.ok() ? pages : 0)};
    for (std::uint64_t n = 0; n < stored && from.ok(); ++n) {
        std::uint64_t index = 0;
        reader.get(index);
        const std::span<const std::byte> page = reader.raw(kPageBytes);
        from.check(reader.ok() && index < pages, "a page outside its region");
        if (from.ok()) {
            region.pages.set(index, page.first<kPageBytes>());
        }
    }
    from.check(reader.finish().has_value(), "a region that does not end where it should");
    return region;
}

}  // namespace

std::uint64_t bytes_apart_from(const MachineState& state, const MachineState* other) {
    std::uint64_t pages = 0;
    for (std::size_t i = 0; i < state.regions.size(); ++i) {
        pages += other != nullptr ? state.regions[i].pages.pages_apart_from(other->regions[i].pages)
                                  : state.regions[i].pages.stored_pages();
    }
    return pages * kPageBytes;
}

std::vector<std::byte> encode_state(const MachineState& state) {
    StateWriter body;
    MachineIdentity identity = state.identity;
    InputPlace place = state.place;
    identity_fields(body, identity, place);
    body("inputs", 1, *state.inputs);
    body("parts", 1, state.parts);
    body.put(static_cast<std::uint32_t>(state.regions.size()));
    for (const RegionImage& region : state.regions) {
        write_region(body, region);
    }
    const std::vector<std::byte>& plain = body.bytes();
    std::vector<std::byte> packed(ZSTD_compressBound(plain.size()));
    packed.resize(
        ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kCompression));

    StateWriter file;
    file.raw(std::as_bytes(std::span(kMagic)));
    file.put(std::uint8_t{0});
    file.put(kVersion);
    file.put(static_cast<std::uint64_t>(plain.size()));
    file.put(packed);
    file.put(checksum(packed));
    return file.take();
}

Result<StatePtr> decode_state(std::span<const std::byte> file, const std::string& name) {
    const auto damaged = [&name](std::string what) {
        return fail(std::move(what), name, "save the state again");
    };
    StateReader outer(file);
    std::string magic(kMagic.size() + 1, '\0');
    const std::span<const std::byte> first = outer.raw(magic.size());
    if (first.size() == magic.size()) {
        std::memcpy(magic.data(), first.data(), first.size());
    }
    if (magic != std::string(kMagic) + '\0') {
        return fail("not a saved state", name, "--restore takes what a snapshot was saved to");
    }
    std::uint32_t version = 0;
    std::uint64_t plain_size = 0;
    std::span<const std::byte> packed;
    std::uint64_t expected = 0;
    outer.get(version);
    if (outer.ok() && version != kVersion) {
        return damaged(
            fmt::format("a saved state of version {}, this program reads {}", version, kVersion));
    }
    outer.get(plain_size);
    outer.get(packed);
    outer.get(expected);
    if (!outer.finish()) {
        return damaged("the saved state is cut short");
    }
    if (checksum(packed) != expected) {
        return damaged("the saved state is damaged: its checksum is wrong");
    }
    if (plain_size > kMostBytes || plain_size / kMostRatio > packed.size() ||
        ZSTD_getFrameContentSize(packed.data(), packed.size()) != plain_size) {
        return damaged("the saved state is damaged: its sizes do not agree");
    }
    std::vector<std::byte> plain(plain_size);
    const std::size_t unpacked = ZSTD_decompress(plain.data(), plain.size(), packed.data(),
                                                 packed.size());
    if (ZSTD_isError(unpacked) != 0 || unpacked != plain_size) {
        return damaged("the saved state is damaged: it cannot be unpacked");
    }

    auto state = std::make_shared<MachineState>();
    StateReader body(plain);
    identity_fields(body, state->identity, state->place);
    std::vector<InputEntry> inputs;
    body("inputs", 1, inputs);
    state->inputs = std::make_shared<const std::vector<InputEntry>>(std::move(inputs));
    body("parts", 1, state->parts);
    std::uint32_t regions = 0;
    body.get(regions);
    body.check(regions <= kMostRegions, "too many regions");
    for (std::uint32_t i = 0; i < regions && body.ok(); ++i) {
        state->regions.push_back(read_region(body));
    }
    if (const Result<void> whole = body.finish(); !whole) {
        return damaged(fmt::format("the saved state is damaged: {}", whole.error().message()));
    }
    return StatePtr(std::move(state));
}

Result<void> write_state(const MachineState& state, const std::filesystem::path& path) {
    const std::vector<std::byte> file = encode_state(state);
    return write_file(path, {reinterpret_cast<const char*>(file.data()), file.size()});
}

Result<StatePtr> read_state(const std::filesystem::path& path) {
    return read_file(path).and_then(
        [&](const std::vector<std::byte>& file) { return decode_state(file, path.string()); });
}

}  // namespace trapgate::emu

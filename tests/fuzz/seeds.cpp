// SPDX-License-Identifier: GPL-2.0-only
// fuzz_seeds FOLDER: writes right inputs for the harnesses to start from, FOLDER/<harness>/<name>.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tests/emu/loader/sample_images.hpp"

namespace {

using namespace trapgate::emu;
using samples::Bytes;

std::filesystem::path root;

void put(const char* harness, std::string_view name, const Bytes& bytes) {
    std::filesystem::create_directories(root / harness);
    std::ofstream(root / harness / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

// One file and the trailer, by hand: the writer is what cpio_fuzz is about.
Bytes cpio() {
    Bytes bytes;
    for (const auto& [name, data] : {std::pair{"init", "#!/bin/sh\n"}, {"TRAILER!!!", ""}}) {
        const std::string path(name);
        const std::string text(data);
        const std::string header = fmt::format(
            "070701{:08x}{:08x}{:024x}{:08x}{:08x}{:08x}{:032x}{:08x}{:08x}", 1, 0100755, 0, 1, 0,
            text.size(), 0, path.size() + 1, 0);
        samples::append(bytes, header.data(), header.size());
        samples::append(bytes, path.c_str(), path.size() + 1);
        bytes.resize((bytes.size() + 3) / 4 * 4);
        samples::append(bytes, text.data(), text.size());
        bytes.resize((bytes.size() + 3) / 4 * 4);
    }
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
        return 2;
    }
    root = argv[1];
    const Bytes tables = samples::kallsyms(samples::some_symbols(40), {.with_sequences = true});
    const Bytes kernel = samples::elf({{.bytes = Bytes(200, std::byte{0x90})}});
    put("elf", "plain", kernel);
    put("elf", "two-segments",
        samples::elf({{.bytes = Bytes(16)}, {.physical = 0x40'0000, .bytes = tables}}));
    put("kallsyms", "before-6.4", tables);
    put("kallsyms", "since-6.4",
        samples::kallsyms(samples::some_symbols(300), {.offsets_last = true}));
    put("cpio", "file", cpio());
    put("initrd", "cpio", cpio());
    for (const Compression format :
         {Compression::Gzip, Compression::Xz, Compression::Lzma, Compression::Zstd}) {
        const std::string_view name = compression_name(format);
        put("bzimage", name,
            samples::bzimage(samples::pack(format, kernel),
                             static_cast<std::uint32_t>(kernel.size())));
        put("initrd", name, samples::pack(format, cpio()));
    }
    return 0;
}

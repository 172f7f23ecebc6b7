// SPDX-License-Identifier: GPL-2.0-only
// fuzz_seeds FOLDER: writes right inputs for the harnesses to start from, FOLDER/<harness>/<name>.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "emu/snapshot/archive.hpp"
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

// A region of four pages, one of them stored: emu/snapshot/state_file.cpp.
Bytes state_body() {
    StateWriter body;
    body("machine", 1, std::uint64_t{1}, std::string("a.elf"), std::string("quiet"),
         std::uint64_t{1} << 20, 1U, std::string("functional"), std::uint64_t{7}, std::uint64_t{8});
    StateWriter inputs;
    inputs.put(std::uint64_t{1});
    inputs.list(std::uint64_t{7}, std::uint64_t{8}, std::uint8_t{0}, std::string("ls"));
    body.put(std::string("inputs"));
    body.put(std::uint32_t{1});
    body.put(inputs.bytes());
    body("parts", 1, std::vector<std::byte>(20));
    body.put(std::uint32_t{1});
    StateWriter pages;
    pages.list(std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{1}, std::uint64_t{2});
    pages.raw(std::vector<std::byte>(4096, std::byte{5}));
    body("region", 1, pages.bytes());
    return body.take();
}

Bytes input_log() {
    constexpr std::string_view kText =
        "trapgate input log 1\nimage 12 \"a.elf\"\nappend \"quiet\"\n"
        "machine ram=1048576 cpus=1 model=functional\n7 8 console \"x\\t\\x7f\\\"\"\n9 10 end 4 "
        "\"x\"\n";
    const auto bytes = std::as_bytes(std::span(kText));
    return {bytes.begin(), bytes.end()};
}

Bytes text(std::string_view line) {
    const auto bytes = std::as_bytes(std::span(line));
    return {bytes.begin(), bytes.end()};
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
    put("state", "body", state_body());
    put("input_log", "log", input_log());
    put("initrd", "cpio", cpio());
    put("definition", "entry",
        text("p:g/e vfs_read %di +0(%si):string $stack1:x32 @jiffies:u8[2] +u4(+8(%di)):b4@8/32 "
             "$comm \\\"a\" \\-1:symbol\n0123456789"));
    put("definition", "return", text("r9:e vfs_read $retval $arg1 c=count\n0123456789"));
    put("definition", "btf", text("p:e vfs_read $arg* file->f_path.name:string b=file->f_b\n0"));
    put("filter", "all",
        text("!(n == 5 || s < -1) && path ~ \"/e*[a-z]?\" || CPU != 0x1 && big & 1"));
    put("filter", "function", text("big.function == vfs_read && comm == 'x'"));
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

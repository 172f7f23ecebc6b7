// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/loader/sample_images.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>

#include <elf.h>

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.hpp"

namespace trapgate::emu::samples {
namespace {

constexpr std::uint64_t kTextBase = 0xffff'ffff'8100'0000;

void align(Bytes& bytes, std::size_t to) { bytes.resize((bytes.size() + to - 1) / to * to); }

Bytes pack_gzip(const Bytes& plain) {
    z_stream stream{};
    constexpr int kGzip = 16;
    TG_CHECK(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + kGzip, 9, Z_DEFAULT_STRATEGY) == Z_OK,
             "zlib");
    Bytes packed(deflateBound(&stream, plain.size()) + 64);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    TG_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

Bytes pack_lzma(Compression format, const Bytes& plain) {
    lzma_options_lzma options;
    lzma_lzma_preset(&options, 6);
    options.dict_size = 1U << 20;
    const std::array<lzma_filter, 3> filters{
        {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}}};
    lzma_stream stream = LZMA_STREAM_INIT;
    const lzma_ret begun = format == Compression::Xz
                               ? lzma_stream_encoder(&stream, filters.data(), LZMA_CHECK_CRC32)
                               : lzma_alone_encoder(&stream, &options);
    TG_CHECK(begun == LZMA_OK, "liblzma");
    Bytes packed(plain.size() + (plain.size() >> 2) + 4096);
    stream.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
    stream.avail_in = plain.size();
    stream.next_out = reinterpret_cast<std::uint8_t*>(packed.data());
    stream.avail_out = packed.size();
    TG_CHECK(lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END, "liblzma");
    packed.resize(stream.total_out);
    lzma_end(&stream);
    return packed;
}

Bytes pack_zstd(const Bytes& plain) {
    Bytes packed(ZSTD_compressBound(plain.size()));
    const std::size_t used = ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(),
                                           19);
    TG_CHECK(ZSTD_isError(used) == 0, "libzstd");
    packed.resize(used);
    return packed;
}

// Every byte value of a token number stands for itself where it is printable, and else for a pair
// or word that names often have.
std::vector<std::string> token_strings() {
    std::vector<std::string> tokens;
    for (int i = 0; i < 256; ++i) {
        if (i > ' ' && i < 0x7f) {
            tokens.emplace_back(1, static_cast<char>(i));
        } else if (i == 1) {
            tokens.emplace_back("tvfs_");
        } else {
            tokens.push_back(fmt::format("_{:x}", i));
        }
    }
    return tokens;
}

std::vector<std::uint8_t> encode_name(const Symbol& symbol) {
    const std::string text = symbol.type + symbol.name;
    std::vector<std::uint8_t> numbers;
    for (std::size_t at = 0; at < text.size();) {
        if (text.compare(at, 5, "tvfs_") == 0) {
            numbers.push_back(1);
            at += 5;
        } else {
            numbers.push_back(static_cast<std::uint8_t>(text[at++]));
        }
    }
    return numbers;
}

void append_offsets(Bytes& to, const std::vector<Symbol>& symbols, const KallsymsLayout& layout) {
    align(to, layout.alignment);
    for (const Symbol& symbol : symbols) {
        const std::uint64_t address = symbol.address.value;
        const std::uint64_t offset = !layout.absolute_percpu ? address - kTextBase
                                     : address < kTextBase   ? address
                                                             : kTextBase - 1 - address;
        append_value(to, static_cast<std::uint32_t>(offset));
    }
    align(to, 8);
    append_value(to, kTextBase);
}

}  // namespace

Bytes bytes_of(std::string_view text) {
    Bytes bytes;
    append(bytes, text.data(), text.size());
    return bytes;
}

void append(Bytes& to, const void* from, std::size_t bytes) {
    const auto* const begin = static_cast<const std::byte*>(from);
    to.insert(to.end(), begin, begin + bytes);
}

Bytes elf(const std::vector<Segment>& segments) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = segments.empty() ? 0 : segments.front().physical;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(segments.size());
    Bytes file;
    append_value(file, header);
    std::uint64_t offset = sizeof(header) + segments.size() * sizeof(Elf64_Phdr);
    for (const Segment& segment : segments) {
        Elf64_Phdr program{};
        program.p_type = PT_LOAD;
        program.p_flags = PF_R | PF_X;
        program.p_offset = offset;
        program.p_vaddr = segment.linked;
        program.p_paddr = segment.physical;
        program.p_filesz = segment.bytes.size();
        program.p_memsz = segment.memory_bytes == 0 ? segment.bytes.size() : segment.memory_bytes;
        append_value(file, program);
        offset += segment.bytes.size();
    }
    for (const Segment& segment : segments) {
        append(file, segment.bytes.data(), segment.bytes.size());
    }
    return file;
}

Bytes pack(Compression format, const Bytes& plain) {
    switch (format) {
        case Compression::Gzip: return pack_gzip(plain);
        case Compression::Xz:
        case Compression::Lzma: return pack_lzma(format, plain);
        case Compression::Zstd: return pack_zstd(plain);
        default: TG_CHECK(false, "no encoder for this format here");
    }
}

Bytes bzimage(const Bytes& payload, std::uint32_t size_field) {
    Bytes file(kBzImagePayload);
    patch<std::uint8_t>(file, 0x1f1, 1);  // one setup sector after the boot sector
    patch<std::uint16_t>(file, 0x1fe, 0xaa55);
    patch<std::uint8_t>(file, 0x200, 0xeb);
    patch<std::uint8_t>(file, 0x201, 0x6a);
    std::memcpy(file.data() + 0x202, "HdrS", 4);
    patch<std::uint16_t>(file, 0x206, 0x020f);
    patch<std::uint8_t>(file, 0x211, 0x01);
    patch<std::uint32_t>(file, 0x22c, 0x7fff'ffff);
    patch<std::uint16_t>(file, 0x236, 0x000b);
    patch<std::uint32_t>(file, 0x238, 2047);
    patch<std::uint32_t>(file, 0x248, static_cast<std::uint32_t>(kBzImagePayload - 2 * 512));
    patch<std::uint32_t>(file, 0x24c, static_cast<std::uint32_t>(payload.size() + 4));
    patch<std::uint64_t>(file, 0x258, 0x100'0000);
    append(file, payload.data(), payload.size());
    append_value(file, size_field);
    return file;
}

Bytes kallsyms(const std::vector<Symbol>& symbols, const KallsymsLayout& layout) {
    Bytes data(4096, std::byte{0x5a});
    if (!layout.offsets_last) {
        append_offsets(data, symbols, layout);
    }
    align(data, layout.alignment);
    append_value(data, static_cast<std::uint32_t>(symbols.size()));
    align(data, layout.alignment);
    const std::size_t names = data.size();
    std::vector<std::uint32_t> markers;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        if (i % 256 == 0) {
            markers.push_back(static_cast<std::uint32_t>(data.size() - names));
        }
        const std::vector<std::uint8_t> numbers = encode_name(symbols[i]);
        if (numbers.size() >= 0x80) {
            append_value(data, static_cast<std::uint8_t>(numbers.size() | 0x80));
            append_value(data, static_cast<std::uint8_t>(numbers.size() >> 7));
        } else {
            append_value(data, static_cast<std::uint8_t>(numbers.size()));
        }
        append(data, numbers.data(), numbers.size());
    }
    align(data, layout.alignment);
    append(data, markers.data(), 4 * markers.size());
    const Bytes sequences(3 * symbols.size(), std::byte{0x17});
    align(data, layout.alignment);
    if (layout.with_sequences && !layout.offsets_last) {
        append(data, sequences.data(), sequences.size());
        align(data, layout.alignment);
    }
    Bytes index;
    const std::size_t table = data.size();
    for (const std::string& token : token_strings()) {
        append_value(index, static_cast<std::uint16_t>(data.size() - table));
        append(data, token.c_str(), token.size() + 1);
    }
    align(data, layout.alignment);
    append(data, index.data(), index.size());
    align(data, layout.alignment);
    if (layout.offsets_last) {
        append_offsets(data, symbols, layout);
        append(data, sequences.data(), sequences.size());
    }
    data.resize(data.size() + 4096, std::byte{0xa5});
    return data;
}

std::vector<Symbol> some_symbols(std::size_t count) {
    std::vector<Symbol> symbols{{"fixed_percpu_data", GuestVa{0}, 0, 'A'},
                                {"irq_stack_backing_store", GuestVa{0x1000}, 0, 'A'},
                                {"_text", GuestVa{kTextBase}, 0x40, 'T'},
                                {"startup_64", GuestVa{kTextBase}, 0x40, 'T'}};
    for (std::size_t i = 1; symbols.size() < count; ++i) {
        const std::string name = i == 7 ? std::string(200, 'n') : fmt::format("vfs_{}", i * 7919);
        symbols.push_back({name, GuestVa{kTextBase + i * 0x40}, 0x40, i % 3 == 0 ? 'T' : 't'});
    }
    return symbols;
}

}  // namespace trapgate::emu::samples

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/decompress.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace trapgate::emu {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;
// xz -9 and the kernel's own settings need 65 MiB; a header may ask for terabytes.
constexpr std::uint64_t kLzmaMemory = 256ULL << 20;

struct Magic {
    Compression format;
    std::string_view name;
    std::string_view bytes;
    bool readable;
};

using namespace std::string_view_literals;
constexpr std::array kMagics{
    Magic{Compression::Gzip, "gzip", "\x1f\x8b"sv, true},
    Magic{Compression::Xz, "xz",
          "\xfd"
          "7zXZ\0"sv,
          true},
    Magic{Compression::Zstd, "zstd", "\x28\xb5\x2f\xfd"sv, true},
    Magic{Compression::Lzma, "lzma", "\x5d\0\0"sv, true},
    Magic{Compression::Lz4, "lz4", "\x02\x21\x4c\x18"sv, false},  // legacy: what kernels use
    Magic{Compression::Lz4, "lz4", "\x04\x22\x4d\x18"sv, false},
    Magic{Compression::Lzo, "lzo", "\x89LZO\0\r\n\x1a\n"sv, false},
    Magic{Compression::Bzip2, "bzip2", "BZh"sv, false},
};

auto damaged(Compression format, std::string_view why) {
    return fail(fmt::format("the {} data is damaged: {}", compression_name(format), why), {},
                "is the file complete?", EBADMSG);
}

// Passes output on and keeps the limit.
class BoundedSink {
public:
    BoundedSink(const UnpackSink& sink, std::uint64_t limit) : sink_(sink), left_(limit) {}

    Result<void> take(std::span<const std::byte> bytes) {
        if (bytes.size() > left_) {
            return fail("it unpacks to more than is possible here", {}, {}, EFBIG);
        }
        left_ -= bytes.size();
        if (!bytes.empty()) {
            sink_(bytes);
        }
        return {};
    }

private:
    const UnpackSink& sink_;
    std::uint64_t left_;
};

Result<std::size_t> unpack_gzip(std::span<const std::byte> packed, BoundedSink sink) {
    z_stream stream{};
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) {
        return fail("zlib has no memory", {}, {}, ENOMEM);
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    std::vector<std::byte> buffer(kBufferBytes);
    std::size_t given = 0;
    while (true) {
        if (stream.avail_in == 0) {
            const std::size_t piece = std::min<std::size_t>(packed.size() - given, 1U << 30);
            stream.next_in = const_cast<Bytef*>(
                reinterpret_cast<const Bytef*>(packed.data() + given));
            stream.avail_in = static_cast<uInt>(piece);
            given += piece;
        }
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        const int status = inflate(&stream, Z_NO_FLUSH);
        const Result<void> taken = sink.take({buffer.data(), buffer.size() - stream.avail_out});
        if (!taken) {
            return tl::unexpected(taken.error());
        }
        if (status == Z_STREAM_END) {
            return given - stream.avail_in;
        }
        if (status != Z_OK) {
            return damaged(Compression::Gzip, stream.avail_in == 0 && given == packed.size()
                                                  ? "it ends too early"
                                              : stream.msg != nullptr ? stream.msg
                                                                      : "no data");
        }
    }
}

Result<std::size_t> unpack_lzma(Compression format, std::span<const std::byte> packed,
                                BoundedSink sink) {
    lzma_stream stream = LZMA_STREAM_INIT;
    const lzma_ret begun = format == Compression::Xz ? lzma_stream_decoder(&stream, kLzmaMemory, 0)
                                                     : lzma_alone_decoder(&stream, kLzmaMemory);
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> end(&stream, lzma_end);
    if (begun != LZMA_OK) {
        return fail("liblzma has no memory", {}, {}, ENOMEM);
    }
    std::vector<std::byte> buffer(kBufferBytes);
    stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
    stream.avail_in = packed.size();
    while (true) {
        stream.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
        stream.avail_out = buffer.size();
        const lzma_ret status = lzma_code(&stream, LZMA_RUN);
        const Result<void> taken = sink.take({buffer.data(), buffer.size() - stream.avail_out});
        if (!taken) {
            return tl::unexpected(taken.error());
        }
        switch (status) {
            case LZMA_OK: break;
            case LZMA_STREAM_END: return packed.size() - stream.avail_in;
            case LZMA_MEMLIMIT_ERROR:
                return damaged(format, "its header asks for more memory than any kernel's");
            case LZMA_BUF_ERROR: return damaged(format, "it ends too early");
            case LZMA_OPTIONS_ERROR: return damaged(format, "it uses options unknown to liblzma");
            default: return damaged(format, "a checksum or code is wrong");
        }
    }
}

Result<std::size_t> unpack_zstd(std::span<const std::byte> packed, BoundedSink sink) {
    const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                          ZSTD_freeDCtx);
    if (context == nullptr) {
        return fail("libzstd has no memory", {}, {}, ENOMEM);
    }
    std::vector<std::byte> buffer(kBufferBytes);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    while (true) {
        ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
        const std::size_t before = in.pos;
        const std::size_t status = ZSTD_decompressStream(context.get(), &out, &in);
        if (ZSTD_isError(status) != 0) {
            return damaged(Compression::Zstd, ZSTD_getErrorName(status));
        }
        const Result<void> taken = sink.take({buffer.data(), out.pos});
        if (!taken) {
            return tl::unexpected(taken.error());
        }
        if (status == 0) {
            return in.pos;
        }
        if (in.pos == before && out.pos == 0) {
            return damaged(Compression::Zstd, "it ends too early");
        }
    }
}

}  // namespace

std::string_view compression_name(Compression format) {
    return std::find_if(kMagics.begin(), kMagics.end(),
                        [format](const Magic& magic) { return magic.format == format; })
        ->name;
}

std::optional<Compression> detect_compression(std::span<const std::byte> bytes) {
    for (const Magic& magic : kMagics) {
        if (bytes.size() >= magic.bytes.size() &&
            std::memcmp(bytes.data(), magic.bytes.data(), magic.bytes.size()) == 0) {
            return magic.format;
        }
    }
    return std::nullopt;
}

bool can_unpack(Compression format) {
    return std::any_of(kMagics.begin(), kMagics.end(), [format](const Magic& magic) {
        return magic.format == format && magic.readable;
    });
}

Result<std::size_t> unpack(Compression format, std::span<const std::byte> packed,
                           std::uint64_t limit, const UnpackSink& sink) {
    const BoundedSink bounded(sink, limit);
    switch (format) {
        case Compression::Gzip: return unpack_gzip(packed, bounded);
        case Compression::Xz:
        case Compression::Lzma: return unpack_lzma(format, packed, bounded);
        case Compression::Zstd: return unpack_zstd(packed, bounded);
        case Compression::Lz4:
        case Compression::Lzo:
        case Compression::Bzip2: break;
    }
    return fail(fmt::format("{} compression is not supported", compression_name(format)), {},
                "gzip, xz, lzma and zstd are", ENOTSUP);
}

Result<std::vector<std::byte>> unpack_all(Compression format, std::span<const std::byte> packed,
                                          std::uint64_t limit) {
    std::vector<std::byte> all;
    return unpack(format, packed, limit,
                  [&all](std::span<const std::byte> piece) {
                      all.insert(all.end(), piece.begin(), piece.end());
                  })
        .map([&](std::size_t) { return std::move(all); });
}

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/bzimage.hpp"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/loader/kernel_file.hpp"
#include "tests/emu/loader/sample_images.hpp"

namespace trapgate::emu {
namespace {

using samples::Bytes;
using testing::HasSubstr;

Bytes plain_kernel() {
    Bytes code = samples::bytes_of("code of a kernel");
    code.resize(50'000, std::byte{0x90});
    return samples::elf({{.bytes = code, .memory_bytes = 60'000}});
}

Bytes sample(Compression format = Compression::Gzip) {
    const Bytes plain = plain_kernel();
    return samples::bzimage(samples::pack(format, plain), static_cast<std::uint32_t>(plain.size()));
}

Error error_of(const Bytes& file) {
    const Result<BzImage> image = read_bzimage(file, "vmlinuz");
    EXPECT_FALSE(image.has_value());
    return image ? Error{} : image.error();
}

class BzImagePayload : public testing::TestWithParam<Compression> {};

TEST_P(BzImagePayload, UnpacksToTheKernelThatWasPacked) {
    const Result<BzImage> image = read_bzimage(sample(GetParam()), "vmlinuz");
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(image->vmlinux, plain_kernel());
    EXPECT_EQ(image->header.protocol, 0x020f);
    EXPECT_EQ(image->header.initrd_max, 0x7fff'ffffU);
    EXPECT_EQ(image->header.command_line_max, 2047U);
    EXPECT_EQ(image->header.bytes.size(), 0x202U + 0x6a - 0x1f1);
}

TEST_P(BzImagePayload, IsRefusedWhenABitOfItIsWrong) {
    // Damage may hit what does not matter (gzip's time stamp); it must never pass for another
    // kernel.
    const Bytes good = sample(GetParam());
    for (std::size_t at = samples::kBzImagePayload; at < good.size(); at += 7) {
        Bytes bad = good;
        bad[at] ^= std::byte{0x10};
        const Result<BzImage> image = read_bzimage(bad, "vmlinuz");
        if (image && GetParam() != Compression::Zstd && GetParam() != Compression::Lzma) {
            EXPECT_EQ(image->vmlinux, plain_kernel()) << "byte " << at;
        } else if (!image) {
            EXPECT_EQ(image.error().where, "vmlinuz");
        }
    }
}

TEST_P(BzImagePayload, IsRefusedWhenTheFileIsCutAnywhere) {
    const Bytes good = sample(GetParam());
    for (std::size_t size = 0; size < good.size(); size += 11) {
        const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(read_bzimage(cut, "vmlinuz")) << size;
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, BzImagePayload,
                         testing::Values(Compression::Gzip, Compression::Xz, Compression::Lzma,
                                         Compression::Zstd),
                         [](const auto& test) {
                             return std::string(compression_name(test.param));
                         });

TEST(BzImage, NamesACompressionThatItCannotRead) {
    for (const auto& [magic, name] : std::vector<std::pair<std::string, std::string>>{
             {"\x02\x21\x4c\x18", "lz4"}, {{"\x89LZO\0\r\n\x1a\n", 9}, "lzo"}, {"BZh9", "bzip2"}}) {
        Bytes payload = samples::bytes_of(magic);
        payload.resize(100);
        const Error error = error_of(samples::bzimage(payload, 1000));
        EXPECT_THAT(error.what, HasSubstr("compressed with " + name));
        EXPECT_THAT(error.hint, HasSubstr("zstd"));
    }
}

TEST(BzImage, NamesAnUnknownCompression) {
    const Error error = error_of(samples::bzimage(Bytes(100, std::byte{1}), 1000));
    EXPECT_THAT(error.what, HasSubstr("compressed in an unknown way"));
}

TEST(BzImage, SaysHowMuchOfTheFileIsMissing) {
    Bytes file = sample();
    file.resize(file.size() - 100);
    const Error error = error_of(file);
    EXPECT_THAT(error.what, HasSubstr("cut short"));
    EXPECT_EQ(error.linux_errno, ENOEXEC);
}

TEST(BzImage, ChecksTheSizeField) {
    const Bytes plain = plain_kernel();
    const Error error = error_of(samples::bzimage(samples::pack(Compression::Xz, plain), 1234));
    EXPECT_THAT(error.what, HasSubstr("size field says 1234"));
}

TEST(BzImage, RefusesAClaimOfTooMuchBeforeUnpacking) {
    const Error error = error_of(
        samples::bzimage(samples::pack(Compression::Xz, plain_kernel()), 0xffff'ffff));
    EXPECT_EQ(error.linux_errno, EFBIG);
}

TEST(BzImage, StopsABombAtTheLimit) {
    // 600 MiB of zeroes in well under a MiB: pieces of gzip data are as good as one.
    const Bytes piece(8 << 20);
    const Bytes packed = samples::pack(Compression::Zstd, piece);
    std::uint64_t taken = 0;
    const Result<std::size_t> used = unpack(
        Compression::Zstd, packed, 1 << 20,
        [&taken](std::span<const std::byte> bytes) { taken += bytes.size(); });
    ASSERT_FALSE(used);
    EXPECT_EQ(used.error().linux_errno, EFBIG);
    EXPECT_LE(taken, 1U << 20);
}

TEST(BzImage, RefusesA32BitKernelAndAnOldProtocol) {
    Bytes file = sample();
    samples::patch<std::uint16_t>(file, 0x236, 0);
    EXPECT_THAT(error_of(file).what, HasSubstr("not a 64-bit kernel"));
    samples::patch<std::uint16_t>(file, 0x206, 0x0204);
    EXPECT_THAT(error_of(file).what, HasSubstr("boot protocol 2.04"));
}

TEST(BzImage, RefusesAHeaderThatEndsNowhere) {
    Bytes file = sample();
    samples::patch<std::uint8_t>(file, 0x201, 2);
    EXPECT_THAT(error_of(file).what, HasSubstr("setup header's length"));
}

TEST(Decompress, SaysWhereTheStreamEnds) {
    for (const Compression format :
         {Compression::Gzip, Compression::Xz, Compression::Zstd, Compression::Lzma}) {
        Bytes packed = samples::pack(format, samples::bytes_of("hello"));
        const std::size_t size = packed.size();
        packed.resize(size + 100);
        std::string text;
        const auto used = unpack(format, packed, 100, [&text](std::span<const std::byte> bytes) {
            text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        });
        ASSERT_TRUE(used) << compression_name(format) << used.error().message();
        EXPECT_EQ(*used, size) << compression_name(format);
        EXPECT_EQ(text, "hello");
        EXPECT_EQ(detect_compression(packed), format);
    }
}

TEST(KernelFile, TellsElfAndBzImageApart) {
    const Result<KernelFile> plain = parse_kernel_file(plain_kernel(), "vmlinux");
    ASSERT_TRUE(plain) << plain.error().message();
    EXPECT_FALSE(plain->header.has_value());
    const Result<KernelFile> packed = parse_kernel_file(sample(), "vmlinuz");
    ASSERT_TRUE(packed) << packed.error().message();
    EXPECT_TRUE(packed->header.has_value());
    ASSERT_EQ(packed->elf.segments.size(), 1U);
    EXPECT_EQ(packed->elf.segments[0].memory_bytes, 60'000U);
    EXPECT_EQ(packed->elf.segments[0].bytes[0], std::byte{'c'});
}

TEST(KernelFile, HintsAtWhatWasGivenInstead) {
    const auto hint = [](Bytes file) {
        const Result<KernelFile> kernel = parse_kernel_file(std::move(file), "file");
        EXPECT_FALSE(kernel);
        return kernel ? std::string() : kernel.error().message();
    };
    EXPECT_THAT(hint({}), HasSubstr("the file is empty"));
    EXPECT_THAT(hint(samples::bytes_of("hello, world")), HasSubstr("neither an ELF file nor"));
    EXPECT_THAT(hint(samples::bytes_of("070701000")), HasSubstr("--initrd"));
    EXPECT_THAT(hint(samples::pack(Compression::Gzip, plain_kernel())), HasSubstr("gzip data"));
    Bytes arm(256);
    std::memcpy(arm.data() + 0x38, "ARMd", 4);
    EXPECT_THAT(hint(arm), HasSubstr("arm64"));
    Bytes disk(1024);
    samples::patch<std::uint16_t>(disk, 0x1fe, 0xaa55);
    EXPECT_THAT(hint(disk), HasSubstr("disk image"));
}

}  // namespace
}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/elf_image.hpp"

#include <elf.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/emu/loader/sample_images.hpp"

namespace trapgate::emu {
namespace {

using samples::Bytes;
using testing::HasSubstr;

Bytes sample() {
    return samples::elf({{.bytes = Bytes(300, std::byte{0x90}), .memory_bytes = 1000},
                         {.physical = 0x40'0000, .bytes = Bytes(100, std::byte{1})}});
}

std::string refusal(const Bytes& file) {
    const Result<ElfImage> image = read_elf_image(file, "vmlinux");
    EXPECT_FALSE(image);
    return image ? std::string() : image.error().message();
}

TEST(ElfImage, PointsIntoTheFile) {
    const Bytes file = sample();
    const Result<ElfImage> image = read_elf_image(file, "vmlinux");
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(image->entry, 0x20'0000U);
    ASSERT_EQ(image->segments.size(), 2U);
    EXPECT_EQ(image->segments[0].bytes.data(), file.data() + 64 + 2 * 56);
    EXPECT_EQ(image->segments[0].memory_bytes, 1000U);
    EXPECT_EQ(image->segments[1].physical, GuestPa{0x40'0000});
    EXPECT_TRUE(image->symbols.empty());
    EXPECT_TRUE(image->btf.empty());
}

TEST(ElfImage, IsRefusedWhenCutAnywhere) {
    const Bytes good = sample();
    for (std::size_t size = 0; size < good.size(); ++size) {
        const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(read_elf_image(cut, "vmlinux")) << size;
    }
}

TEST(ElfImage, IsRefusedForAnotherMachineClassOrType) {
    Bytes file = sample();
    samples::patch<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_machine), EM_AARCH64);
    EXPECT_THAT(refusal(file), HasSubstr("not an x86-64 image"));
    file = sample();
    samples::patch<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_type), ET_REL);
    EXPECT_THAT(refusal(file), HasSubstr("link the object file first"));
    file = sample();
    file[EI_CLASS] = std::byte{ELFCLASS32};
    EXPECT_THAT(refusal(file), HasSubstr("vmlinux: "));
}

TEST(ElfImage, IsRefusedWithoutSegments) {
    EXPECT_THAT(refusal(samples::elf({})), HasSubstr("nothing to load"));
}

TEST(ElfImage, IsRefusedWhenItsSegmentsAreTooManyOrShareBytes) {
    const samples::Segment small{.bytes = Bytes(8)};
    EXPECT_THAT(refusal(samples::elf(std::vector<samples::Segment>(65, small))),
                HasSubstr("too many"));
    Bytes file = samples::elf({{.bytes = Bytes(8000)}, {.bytes = Bytes(10)}});
    samples::patch<std::uint64_t>(file, 64 + 56 + offsetof(Elf64_Phdr, p_offset), 0);
    samples::patch<std::uint64_t>(file, 64 + 56 + offsetof(Elf64_Phdr, p_filesz), 8000);
    samples::patch<std::uint64_t>(file, 64 + 56 + offsetof(Elf64_Phdr, p_memsz), 8000);
    EXPECT_THAT(refusal(file), HasSubstr("overlap"));
}

TEST(ElfImage, IsRefusedWhenASegmentHoldsMoreThanItsMemory) {
    Bytes file = sample();
    samples::patch<std::uint64_t>(file, 64 + offsetof(Elf64_Phdr, p_memsz), 10);
    EXPECT_THAT(refusal(file), HasSubstr("segment 0 goes beyond"));
    file = sample();
    samples::patch<std::uint64_t>(file, 64 + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 4);
    EXPECT_THAT(refusal(file), HasSubstr("segment 0 goes beyond"));
}

}  // namespace
}  // namespace trapgate::emu

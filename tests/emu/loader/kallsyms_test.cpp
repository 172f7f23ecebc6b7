// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/kallsyms.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/loader/kernel_file.hpp"
#include "tests/emu/loader/linux_files.hpp"
#include "tests/emu/loader/sample_images.hpp"

namespace trapgate::emu {

// Google Test finds it by this name, in the type's own namespace.
// NOLINTNEXTLINE(misc-use-internal-linkage, readability-identifier-naming)
void PrintTo(const Symbol& symbol, std::ostream* out) {
    *out << fmt::format("{:x}+{:x} {} {}", symbol.address.value, symbol.size, symbol.type,
                        symbol.name);
}

namespace {

using samples::Bytes;
using samples::KallsymsLayout;

MATCHER_P(is_symbol, want, "") {
    return arg.name == want.name && arg.address == want.address && arg.type == want.type &&
           (arg.size == want.size || want.size == 0);
}

std::vector<Symbol> decode(const Bytes& data) {
    const std::vector<ElfSegment> segments{
        {GuestPa{0x100'0000}, GuestVa{0xffff'ffff'8100'0000}, data, 64 << 20}};
    return find_kallsyms(segments);
}

struct Case {
    const char* name;
    KallsymsLayout layout;
};

class KallsymsLayouts : public testing::TestWithParam<Case> {
protected:
    static std::vector<Symbol> symbols(std::size_t count) {
        std::vector<Symbol> all = samples::some_symbols(count);
        if (!GetParam().layout.absolute_percpu) {
            all.erase(all.begin(), all.begin() + 2);  // Every address is beyond the base.
        }
        return all;
    }
};

TEST_P(KallsymsLayouts, DecodeToTheSymbolsThatWentIn) {
    for (const std::size_t count : {5U, 256U, 257U, 3000U}) {
        const std::vector<Symbol> want = symbols(count);
        const std::vector<Symbol> got = decode(samples::kallsyms(want, GetParam().layout));
        ASSERT_EQ(got.size(), want.size());
        for (std::size_t i = 0; i + 1 < want.size(); ++i) {
            ASSERT_THAT(got[i], is_symbol(want[i])) << i;
        }
        EXPECT_EQ(got.back().name, want.back().name);
    }
}

TEST_P(KallsymsLayouts, AreNotFoundWhenATableIsDamaged) {
    const std::vector<Symbol> want = symbols(700);
    const Bytes good = samples::kallsyms(want, GetParam().layout);
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
        Bytes bad = good;
        const std::size_t at = random() % bad.size();
        bad[at] ^= static_cast<std::byte>(1U << (random() % 8));
        const std::vector<Symbol> got = decode(bad);
        // Never half a table: all of it, one name or address off at most, or nothing.
        EXPECT_TRUE(got.empty() || got.size() == want.size()) << at;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Linux, KallsymsLayouts,
    testing::Values(Case{"before_6_2", {}}, Case{"from_6_2", {.with_sequences = true}},
                    Case{"from_6_4", {.offsets_last = true}},
                    Case{"aligned_to_4", {.offsets_last = true, .alignment = 4}},
                    Case{"without_percpu", {.offsets_last = true, .absolute_percpu = false}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Kallsyms, GivesSizesUpToTheNextAddress) {
    std::vector<Symbol> in = samples::some_symbols(10);
    const std::vector<Symbol> got = decode(samples::kallsyms(in, {}));
    ASSERT_EQ(got.size(), 10U);
    EXPECT_EQ(got[0].size, 0U) << "a per-CPU offset is no place";
    EXPECT_EQ(got[2].size, 0x40U) << "two names of one place have one size";
    EXPECT_EQ(got[3].size, 0x40U);
    EXPECT_EQ(got[9].size, (64U << 20) - (got[9].address.value - 0xffff'ffff'8100'0000))
        << "the last one ends with its segment";
}

TEST(Kallsyms, FindsNothingInOtherBytes) {
    EXPECT_TRUE(decode({}).empty());
    EXPECT_TRUE(decode(Bytes(1 << 20)).empty());
    Bytes noise(1 << 20);
    std::mt19937 random(2);
    std::generate(noise.begin(), noise.end(), [&] { return static_cast<std::byte>(random()); });
    EXPECT_TRUE(decode(noise).empty());
}

TEST(Kallsyms, FindsNothingWhenCutAnywhere) {
    const Bytes good = samples::kallsyms(samples::some_symbols(300), {.with_sequences = true});
    for (std::size_t size = 0; size + 4096 < good.size(); size += 101) {
        EXPECT_TRUE(
            decode(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))).empty())
            << size;
    }
}

TEST(FindBtf, TakesTheLargestThatHasTheShape) {
    const auto btf = [](std::uint32_t types) {
        Bytes data;
        samples::append_value<std::uint32_t>(data, 0x0001'eb9f);
        for (const std::uint32_t value : {24U, 0U, types, types, 5U}) {
            samples::append_value(data, value);
        }
        data.resize(data.size() + types);
        samples::append(data, "\0int", 5);
        return data;
    };
    Bytes rodata(13, std::byte{7});
    const Bytes small = btf(16);
    const Bytes large = btf(64);
    Bytes open = btf(400);
    open.back() = std::byte{'x'};  // Its strings do not end.
    for (const Bytes& piece : {small, large, open}) {
        samples::append(rodata, piece.data(), piece.size());
    }
    const std::vector<ElfSegment> segments{{GuestPa{}, GuestVa{}, rodata, rodata.size()}};
    const std::span<const std::byte> found = find_btf(segments);
    EXPECT_EQ(Bytes(found.begin(), found.end()), large);
    EXPECT_TRUE(find_btf({}).empty());
}

TEST(Kallsyms, ComesWithDebiansTypes) {
    TRAPGATE_NEEDS_LINUX_FILE(image, "vmlinuz");
    const Result<KernelFile> kernel = read_kernel_file(image);
    ASSERT_TRUE(kernel) << kernel.error().message();
    EXPECT_GT(kernel->elf.btf.size(), 1U << 20);
    const std::span<const std::byte> scanned = find_btf(kernel->elf.segments);
    EXPECT_EQ(scanned.data(), kernel->elf.btf.data()) << "without section headers, the same place";
    EXPECT_EQ(scanned.size(), kernel->elf.btf.size());
}

}  // namespace
}  // namespace trapgate::emu

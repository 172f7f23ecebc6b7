// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/page_walk.hpp"

#include <map>

#include <gtest/gtest.h>

namespace trapgate::cpu {
namespace {

using namespace pte;

/// Sparse physical memory of 8-byte words.
struct Words {
    std::map<std::uint64_t, std::uint64_t> at;
    std::uint64_t end = 0x10'0000;

    template <class T>
    [[nodiscard]] std::optional<T> read(GuestPa pa) const {
        if (pa.value >= end) {
            return std::nullopt;
        }
        const auto found = at.find(pa.value);
        return found == at.end() ? 0 : found->second;
    }
};

constexpr std::uint64_t kRoot = 0x1000;
constexpr std::uint64_t kAll = kPresent | kWritable | kUser;
constexpr GuestVa kVa{0xffff'8880'4030'2abc};

/// kRoot -> 0x2000 -> 0x3000 -> 0x4000 -> a page at 0x5000.
Words four_levels() {
    Words words;
    words.at[kRoot + 8ULL * table_index(kVa, 4)] = 0x2000 | kAll;
    words.at[0x2000 + 8ULL * table_index(kVa, 3)] = 0x3000 | kAll;
    words.at[0x3000 + 8ULL * table_index(kVa, 2)] = 0x4000 | kAll;
    words.at[0x4000 + 8ULL * table_index(kVa, 1)] = 0x5000 | kAll;
    return words;
}

TEST(PageWalk, FindsAFourKibPage) {
    const Walk walk = walk_page_tables(four_levels(), kRoot, kVa);
    ASSERT_TRUE(walk.present);
    EXPECT_EQ(walk.address, GuestPa{0x5abc});
    EXPECT_EQ(walk.page_bytes, 4096U);
    EXPECT_EQ(walk.levels, 4U);
    EXPECT_TRUE(walk.writable && walk.user);
    EXPECT_FALSE(walk.no_execute);
    EXPECT_EQ(walk.steps[3].entry_address, GuestPa{0x4000 + 8ULL * table_index(kVa, 1)});
}

TEST(PageWalk, FindsLargePages) {
    Words words = four_levels();
    words.at[0x3000 + 8ULL * table_index(kVa, 2)] = 0x60'0000 | kAll | kLarge;
    Walk walk = walk_page_tables(words, kRoot, kVa);
    EXPECT_EQ(walk.address, GuestPa{0x60'0000 + (kVa.value & 0x1f'ffff)});
    EXPECT_EQ(walk.page_bytes, 2ULL << 20);
    words.at[0x2000 + 8ULL * table_index(kVa, 3)] = 0x8000'0000 | kAll | kLarge;
    walk = walk_page_tables(words, kRoot, kVa);
    EXPECT_EQ(walk.address, GuestPa{0x8000'0000 + (kVa.value & 0x3fff'ffff)});
    EXPECT_EQ(walk.page_bytes, 1ULL << 30);
}

TEST(PageWalk, CombinesPermissionsOfAllLevels) {
    for (const std::uint64_t table : {0x2000U, 0x3000U, 0x4000U}) {
        Words words = four_levels();
        const unsigned level = table == 0x2000 ? 3 : table == 0x3000 ? 2 : 1;
        std::uint64_t& entry = words.at[table + 8ULL * table_index(kVa, level)];
        entry = (entry & ~(kWritable | kUser)) | kNoExecute;
        const Walk walk = walk_page_tables(words, kRoot, kVa);
        EXPECT_TRUE(walk.present);
        EXPECT_FALSE(walk.writable);
        EXPECT_FALSE(walk.user);
        EXPECT_TRUE(walk.no_execute);
    }
}

TEST(PageWalk, StopsWhereAnEntryIsNotPresent) {
    Words words = four_levels();
    words.at[0x3000 + 8ULL * table_index(kVa, 2)] = 0x4000;
    const Walk walk = walk_page_tables(words, kRoot, kVa);
    EXPECT_FALSE(walk.present);
    EXPECT_EQ(walk.levels, 3U);
}

TEST(PageWalk, StopsAtTablesOutsideMemoryAndAtNonCanonicalAddresses) {
    Words words = four_levels();
    words.at[0x2000 + 8ULL * table_index(kVa, 3)] = 0x7000'0000'0000 | kAll;
    EXPECT_FALSE(walk_page_tables(words, kRoot, kVa).present);
    EXPECT_FALSE(walk_page_tables(four_levels(), kRoot, GuestVa{0x0000'8880'4030'2abc}).present);
    EXPECT_TRUE(is_canonical(kVa));
    EXPECT_TRUE(is_canonical(GuestVa{0x0000'7fff'ffff'ffff}));
    EXPECT_FALSE(is_canonical(GuestVa{0x0000'8000'0000'0000}));
}

}  // namespace
}  // namespace trapgate::cpu

// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/translate.hpp"

#include <map>

#include <gtest/gtest.h>

namespace trapgate::cpu {
namespace {

using namespace pte;

constexpr std::uint64_t kRoot = 0x1000;
constexpr std::uint64_t kAll = kPresent | kWritable | kUser;
constexpr GuestVa kVa{0xffff'8880'4030'2abc};
constexpr std::array<std::uint64_t, 4> kTables{kRoot, 0x2000, 0x3000, 0x4000};  // PML4 down

/// Four tables with one entry each, and a page at 0x5000.
struct Tables {
    std::map<std::uint64_t, std::uint64_t> words;

    Tables() {
        for (unsigned level = 4; level >= 1; --level) {
            entry(level) = (level == 1 ? 0x5000 : kTables[5 - level]) | kAll;
        }
    }
    static std::uint64_t place(unsigned level) {
        return kTables[4 - level] + 8ULL * table_index(kVa, level);
    }
    std::uint64_t& entry(unsigned level) { return words[place(level)]; }

    template <class T>
    [[nodiscard]] std::optional<T> read(GuestPa pa) const {
        const auto found = words.find(pa.value);
        return found == words.end() ? std::nullopt : std::optional<T>(found->second);
    }
};

PagingMode mode_of(bool user) { return {.cr3 = kRoot, .user = user}; }

TEST(Translate, FindsBothPageSizes) {
    Tables tables;
    Translation found = translate(tables, mode_of(true), kVa, Access::Read);
    ASSERT_TRUE(found.good());
    EXPECT_EQ(found.address, GuestPa{0x5abc});
    EXPECT_EQ(found.page_bytes, kPageBytes);
    tables.entry(2) = 0x60'0000 | kAll | kLarge;
    found = translate(tables, mode_of(true), kVa, Access::Read);
    ASSERT_TRUE(found.good());
    EXPECT_EQ(found.address, GuestPa{0x60'0000 + (kVa.value & 0x1f'ffff)});
    EXPECT_EQ(found.page_bytes, 2ULL << 20);
}

TEST(Translate, AddressesThatAreNotCanonicalHaveNoPageFault) {
    const Translation found = translate(Tables(), mode_of(false), GuestVa{1ULL << 47},
                                        Access::Read);
    EXPECT_FALSE(found.canonical);
    EXPECT_FALSE(found.good());
    EXPECT_FALSE(found.fault);
}

TEST(Translate, SaysWhoMissedAPage) {
    for (unsigned level = 1; level <= 4; ++level) {
        Tables tables;
        tables.entry(level) = ~kPresent;  // Everything else is ignored then.
        for (const bool user : {false, true}) {
            const std::uint32_t who = user ? page_fault::kUser : 0;
            const auto fault = [&](Access access) {
                return translate(tables, mode_of(user), kVa, access).fault;
            };
            EXPECT_EQ(fault(Access::Read), who) << level;
            EXPECT_EQ(fault(Access::Write), who | page_fault::kWrite) << level;
            EXPECT_EQ(fault(Access::Fetch), who | page_fault::kFetch) << level;
        }
    }
}

TEST(Translate, TellsAFetchOnlyWhereExecutionCanBeForbidden) {
    Tables tables;
    tables.entry(1) = 0;
    PagingMode mode = mode_of(false);
    for (const bool nx : {false, true}) {
        for (const bool smep : {false, true}) {
            mode.no_execute = nx;
            mode.smep = smep;
            EXPECT_EQ(translate(tables, mode, kVa, Access::Fetch).fault,
                      nx || smep ? page_fault::kFetch : 0U);
        }
    }
}

TEST(Translate, RefusesReservedBits) {
    const auto expect = [](unsigned level, std::uint64_t bit, bool large, bool nx, bool refused) {
        Tables tables;
        if (large) {
            tables.entry(2) = 0x60'0000 | kAll | kLarge;
        }
        tables.entry(level) |= bit;
        PagingMode mode = mode_of(false);
        mode.no_execute = nx;
        const Translation found = translate(tables, mode, kVa, Access::Read);
        EXPECT_EQ(found.fault.has_value(), refused)
            << "level " << level << " bit " << std::hex << bit;
        if (refused && found.fault) {
            EXPECT_EQ(*found.fault, page_fault::kPresent | page_fault::kReserved);
        }
    };
    for (unsigned level = 1; level <= 4; ++level) {
        for (unsigned bit = 40; bit < 52; ++bit) {
            expect(level, 1ULL << bit, false, true, true);
        }
        for (unsigned bit = 52; bit < 63; ++bit) {
            expect(level, 1ULL << bit, false, true, false);  // Ignored: software's.
        }
        for (unsigned bit = 8; bit < 12; ++bit) {
            expect(level, 1ULL << bit, false, true, false);
        }
        expect(level, kNoExecute, false, false, true);
        expect(level, kNoExecute, false, true, false);  // Forbids fetches, not reads.
    }
    expect(4, kLarge, false, true, true);
    expect(3, kLarge, false, true, true);   // No 1 GiB pages.
    expect(1, kLarge, false, true, false);  // PAT there.
    for (unsigned bit = 13; bit < 21; ++bit) {
        expect(2, 1ULL << bit, true, true, true);
    }
    expect(2, 1ULL << 12, true, true, false);  // PAT of a large page.
}

TEST(Translate, ReadsOnesWhereNothingAnswers) {
    Tables tables;
    tables.words.erase(Tables::place(2));
    EXPECT_EQ(translate(tables, mode_of(false), kVa, Access::Read).fault,
              page_fault::kPresent | page_fault::kReserved);
}

/// The rules of the SDM's section 4.6.1, said once more and in its own order.
bool manual_allows(const PagingMode& mode, Access access, bool writable, bool user_page, bool nx) {
    const bool execute_ok = !mode.no_execute || !nx;
    if (!mode.user) {
        switch (access) {
            case Access::Read: return !user_page || !mode.smap || mode.explicit_user;
            case Access::Write:
                if (!user_page) {
                    return !mode.write_protect || writable;
                }
                if (mode.smap && !mode.explicit_user) {
                    return false;
                }
                return !mode.write_protect || writable;
            case Access::Fetch:
                if (!user_page) {
                    return execute_ok;
                }
                return !mode.smep && execute_ok;
        }
    }
    if (!user_page) {
        return false;
    }
    switch (access) {
        case Access::Read: return true;
        case Access::Write: return writable;
        case Access::Fetch: return execute_ok;
    }
    return false;
}

// Every combination of the mode's bits, the access, and the rights at an upper level and the leaf.
TEST(Translate, EnforcesEveryCombinationOfRights) {
    unsigned good = 0;
    unsigned cases = 0;
    for (unsigned bits = 0; bits < 1U << 12; ++bits) {
        const auto bit = [bits](unsigned n) { return ((bits >> n) & 1) != 0; };
        PagingMode mode{.cr3 = kRoot,
                        .write_protect = bit(0),
                        .no_execute = bit(1),
                        .smep = bit(2),
                        .smap = bit(3),
                        .user = bit(4),
                        .explicit_user = bit(5)};
        const auto rights = [&](unsigned first) {
            return kPresent | (bit(first) ? kWritable : 0) | (bit(first + 1) ? kUser : 0) |
                   (bit(first + 2) && mode.no_execute ? kNoExecute : 0);
        };
        const std::uint64_t leaf = rights(6);
        const std::uint64_t upper = rights(9);
        for (unsigned level = 2; level <= 4; ++level) {
            Tables tables;
            tables.entry(1) = 0x5000 | leaf;
            tables.entry(level) = (tables.entry(level) & kAddressMask) | upper;
            const bool writable = (leaf & upper & kWritable) != 0;
            const bool user_page = (leaf & upper & kUser) != 0;
            const bool nx = ((leaf | upper) & kNoExecute) != 0;
            for (const Access access : {Access::Read, Access::Write, Access::Fetch}) {
                const Translation found = translate(tables, mode, kVa, access);
                const bool allowed = manual_allows(mode, access, writable, user_page, nx);
                ASSERT_EQ(found.good(), allowed) << std::hex << bits << " level " << level;
                if (!allowed) {
                    const bool tells = access == Access::Fetch && (mode.no_execute || mode.smep);
                    ASSERT_EQ(*found.fault, page_fault::kPresent |
                                                (access == Access::Write ? page_fault::kWrite : 0) |
                                                (mode.user ? page_fault::kUser : 0) |
                                                (tells ? page_fault::kFetch : 0));
                }
                good += allowed ? 1 : 0;
                ++cases;
            }
        }
    }
    EXPECT_EQ(cases, 3U * 3U * 4096U);
    EXPECT_GT(good, cases / 8);
    EXPECT_LT(good, cases / 2);
}

TEST(Translate, SetsAccessedOnTheWayAndDirtyAtTheEnd) {
    Tables tables;
    const auto levels = [&](Access access) {
        std::vector<unsigned> changed;
        const Translation found = translate(tables, mode_of(false), kVa, access);
        for (unsigned i = 0; i < found.update_count; ++i) {
            for (unsigned level = 1; level <= 4; ++level) {
                if (found.updates.at(i).entry_address.value == Tables::place(level)) {
                    changed.push_back(level);
                    tables.entry(level) = found.updates.at(i).entry;
                }
            }
        }
        return changed;
    };
    EXPECT_EQ(levels(Access::Read), (std::vector<unsigned>{4, 3, 2, 1}));
    EXPECT_EQ(tables.entry(1), 0x5000 | kAll | kAccessed);
    EXPECT_EQ(levels(Access::Read), std::vector<unsigned>{});
    EXPECT_EQ(levels(Access::Write), std::vector<unsigned>{1});
    EXPECT_EQ(tables.entry(1), 0x5000 | kAll | kAccessed | kDirty);
    EXPECT_EQ(tables.entry(2), 0x4000 | kAll | kAccessed);
    // A fault further down does not undo what was used on the way.
    tables = Tables();
    tables.entry(1) = 0;
    EXPECT_EQ(levels(Access::Write), (std::vector<unsigned>{4, 3, 2}));
}

}  // namespace
}  // namespace trapgate::cpu

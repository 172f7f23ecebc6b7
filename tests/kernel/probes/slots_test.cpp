// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/slots.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "emu/boot.hpp"

namespace trapgate::kernel {
namespace {

class SlotPagesTest : public ::testing::Test {
protected:
    SlotPagesTest() : machine(std::move(*emu::make_bare_machine())), pages(*machine) {}
    std::unique_ptr<emu::Machine> machine;
    SlotPages pages;
};

TEST_F(SlotPagesTest, FillsAPageBeforeTakingAnother) {
    for (std::size_t i = 0; i < kSlotsPerPage; ++i) {
        ASSERT_TRUE(pages.allocate());
    }
    EXPECT_EQ(pages.usage(), (SlotPages::Usage{.pages = 1, .used = kSlotsPerPage}));
    ASSERT_TRUE(pages.allocate());
    EXPECT_EQ(pages.usage().pages, 2U);
}

TEST_F(SlotPagesTest, AReleasedSlotIsDirtyUntilCollected) {
    const GuestVa slot = *pages.allocate();
    pages.release(slot);
    EXPECT_EQ(pages.usage().dirty, 1U);
    const std::array live{slot + 3};
    pages.collect(live);
    EXPECT_EQ(pages.usage().dirty, 1U) << "a CPU is still in it";
    pages.collect({});
    EXPECT_EQ(pages.usage().dirty, 0U);
    EXPECT_EQ(*pages.allocate(), slot);
}

TEST_F(SlotPagesTest, AFullPageCollectsBeforeItTakesMoreText) {
    std::vector<GuestVa> slots;
    for (std::size_t i = 0; i < kSlotsPerPage; ++i) {
        slots.push_back(*pages.allocate());
    }
    pages.release(slots[17]);
    EXPECT_EQ(*pages.allocate(), slots[17]);
    EXPECT_EQ(pages.usage().pages, 1U);
}

TEST_F(SlotPagesTest, GivesEmptyPagesBackButTheLast) {
    std::vector<GuestVa> slots;
    for (std::size_t i = 0; i < 3 * kSlotsPerPage; ++i) {
        slots.push_back(*pages.allocate());
    }
    EXPECT_EQ(pages.usage().pages, 3U);
    for (const GuestVa slot : slots) {
        pages.release(slot);
    }
    pages.collect({});
    EXPECT_EQ(pages.usage(), (SlotPages::Usage{.pages = 1, .clean = kSlotsPerPage}));
}

TEST_F(SlotPagesTest, WhatIsNotWrittenTraps) {
    const GuestVa slot = *pages.allocate();
    const std::array<std::uint8_t, 2> code{0x90, 0x90};
    pages.write(slot, code);
    std::array<std::uint8_t, kSlotBytes> got{};
    ASSERT_TRUE(machine->read(slot, std::as_writable_bytes(std::span(got))));
    EXPECT_EQ(got[1], 0x90);
    EXPECT_EQ(got[2], 0xcc);
    EXPECT_EQ(got[kSlotBytes - 1], 0xcc);
}

}  // namespace
}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/debug_registers.hpp"

#include <gtest/gtest.h>

namespace trapgate::cpu {
namespace {

TEST(DebugRegisters, DecodesEachConditionOfDr7) {
    // DR1: globally enabled, write, 2 bytes; DR3: locally enabled, read or write, 8 bytes.
    constexpr std::uint64_t kDr7 = (2U << 2) | (1U << 6) | (0x5U << 20) | (0xbULL << 28);
    EXPECT_FALSE(debug_condition(kDr7, 0).enabled);
    EXPECT_TRUE(debug_condition(kDr7, 1).enabled);
    EXPECT_EQ(debug_condition(kDr7, 1).type, DebugCondition::Type::Write);
    EXPECT_EQ(debug_condition(kDr7, 1).bytes, 2);
    EXPECT_TRUE(debug_condition(kDr7, 3).enabled);
    EXPECT_EQ(debug_condition(kDr7, 3).type, DebugCondition::Type::ReadWrite);
    EXPECT_EQ(debug_condition(kDr7, 3).bytes, 8);
    EXPECT_EQ(debug_condition(0xfULL << 16, 0).bytes, 4);
}

}  // namespace
}  // namespace trapgate::cpu

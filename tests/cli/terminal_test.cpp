// SPDX-License-Identifier: GPL-2.0-only
#include "cli/terminal.hpp"

#include <gtest/gtest.h>

namespace trapgate::cli {
namespace {

TEST(Wrap, BreaksAtSpacesAndIndentsLaterLines) {
    EXPECT_EQ(wrap("one two three", 80), "one two three");
    EXPECT_EQ(wrap("one two three", 7), "one two\nthree");
    EXPECT_EQ(wrap("one two three", 9, 2), "one two\n  three");
}

TEST(Wrap, LeavesAWordThatIsTooLongWhole) {
    EXPECT_EQ(wrap("a loooooooong b", 5), "a\nloooooooong\nb");
    EXPECT_EQ(wrap("", 5), "");
}

TEST(Grouped, SetsCommasFromTheRight) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(Terminal, PaintsOnlyWithColour) {
    EXPECT_EQ(Terminal{}.paint(Style::Red, "x"), "x");
    EXPECT_EQ((Terminal{true, true, 80}.paint(Style::Red, "x")), "\033[31mx\033[0m");
}

}  // namespace
}  // namespace trapgate::cli

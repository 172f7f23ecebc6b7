// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/text.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trapgate::gui {
namespace {

using ::testing::ElementsAre;

TEST(PanelText, GroupsDigits) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(PanelText, SpellsBits) {
    constexpr std::array kNames = {BitName{1, "CF"}, BitName{4, "PF"}};
    EXPECT_EQ(bit_names(5, kNames), "CF PF");
    EXPECT_EQ(bit_names(8, kNames), "-");
}

TEST(TerminalLines, DropEscapesAndSplit) {
    EXPECT_THAT(terminal_lines("a\r\nb\x1b[31;1mc\x1b[0m\n"), ElementsAre("a", "bc"));
    EXPECT_THAT(terminal_lines("x\x1b]0;title\ay\nno end"), ElementsAre("xy", "no end"));
    EXPECT_THAT(terminal_lines("ab\b\bcd\te\x01"), ElementsAre("cd      e."));
    EXPECT_THAT(terminal_lines("\n\n"), ElementsAre("", ""));
    EXPECT_THAT(terminal_lines(""), ElementsAre());
}

TEST(TerminalLines, SurviveCutEscapes) {
    for (const char* text : {"\x1b", "\x1b[", "\x1b[3", "\x1b]", "\x1b]0;x\x1b", "\b\b"}) {
        EXPECT_THAT(terminal_lines(text), ElementsAre()) << text;
    }
}

}  // namespace
}  // namespace trapgate::gui

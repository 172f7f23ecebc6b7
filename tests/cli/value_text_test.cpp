// SPDX-License-Identifier: GPL-2.0-only
#include "cli/value_text.hpp"

#include <gtest/gtest.h>

namespace trapgate::cli {
namespace {

TEST(PlainValue, DropsCastsAndSpacesCommas) {
    EXPECT_EQ(plain_value("(__u64)53"), "53");
    EXPECT_EQ(plain_value("(struct s){.a = (__u32)1,.b = (int)-2,}"), "{.a = 1, .b = -2}");
    EXPECT_EQ(plain_value("(struct s){.c = (char[4])['a',',',(char)0,],}"), "{.c = ['a', ',', 0]}");
}

TEST(PlainValue, ShowsCharactersAsAString) {
    EXPECT_EQ(plain_value("(struct s){.n = (char[8])['/','a',','],}"), "{.n = ['/', 'a', ',']}");
    EXPECT_EQ(plain_value("(struct s){.n = (char[8])['/','a',',',],}"), "{.n = \"/a,\"}");
    EXPECT_EQ(plain_value("(char[2])[]"), "[]");
    EXPECT_EQ(plain_value("['a"), "['a");
}

TEST(PlainValue, LeavesOtherTextAlone) {
    EXPECT_EQ(plain_value("4f 92 03"), "4f 92 03");
    EXPECT_EQ(plain_value("{ .a = 1, .b = 2 }"), "{ .a = 1, .b = 2 }");
    EXPECT_EQ(plain_value("\"(x) a,b\""), "\"(x) a,b\"");
    EXPECT_EQ(plain_value("(1+2)"), "(1+2)");
    EXPECT_EQ(plain_value("(open"), "(open");
    EXPECT_EQ(plain_value(""), "");
}

}  // namespace
}  // namespace trapgate::cli

// SPDX-License-Identifier: GPL-2.0-only
#include "cli/console_keys.hpp"

#include <gtest/gtest.h>

namespace trapgate::cli {
namespace {

TEST(ConsoleKeys, PassOnWhatIsTyped) {
    ConsoleKeys keys;
    EXPECT_EQ(keys.take("ls\r"), (TypedKeys{"ls\r"}));
    EXPECT_EQ(keys.take("\x03\x04\x1a\xff"), (TypedKeys{"\x03\x04\x1a\xff"}));
    EXPECT_EQ(keys.take(""), TypedKeys{});
}

TEST(ConsoleKeys, CtrlAIsOurs) {
    ConsoleKeys keys;
    EXPECT_EQ(keys.take("a\x01h"
                        "b"),
              (TypedKeys{"ab", false, true}));
    EXPECT_EQ(keys.take("\x01x rest"), (TypedKeys{"", true, false}));
    EXPECT_EQ(keys.take("\x01q1"), (TypedKeys{"1"})) << "any other key does nothing";
}

TEST(ConsoleKeys, CtrlATwiceIsOneForTheGuest) {
    ConsoleKeys keys;
    EXPECT_EQ(keys.take("\x01\x01x"), (TypedKeys{"\x01x"}));
    EXPECT_EQ(keys.take("\x01"
                        "a"),
              (TypedKeys{"\x01"}));
}

TEST(ConsoleKeys, RememberCtrlABetweenReads) {
    ConsoleKeys keys;
    EXPECT_EQ(keys.take("a\x01"), (TypedKeys{"a"}));
    EXPECT_EQ(keys.take("x"), (TypedKeys{"", true, false}));
}

}  // namespace
}  // namespace trapgate::cli

// SPDX-License-Identifier: GPL-2.0-only
#include "base/nearest.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate {
namespace {

using Names = std::vector<std::string>;

TEST(NearestNames, PutsTheClosestFirst) {
    EXPECT_EQ(nearest_names("vfs_opn", {"vfs_read", "vfs_open", "do_exit", "vfs_openat"}),
              (Names{"vfs_open"}));
    EXPECT_EQ(nearest_names("handler", {"handle", "handles", "handler2"}),
              (Names{"handle", "handler2", "handles"}));
}

TEST(NearestNames, CountsSwappedNeighboursAsOneMistake) {
    EXPECT_EQ(nearest_names("rnu", {"run", "rim"}), (Names{"run"}));
}

TEST(NearestNames, OffersNothingForAWordThatResemblesNone) {
    EXPECT_TRUE(nearest_names("quicksand", {"run", "demo", "verify"}).empty());
    EXPECT_TRUE(nearest_names("run", {}).empty());
}

TEST(NearestNames, AllowsOneMistakeInAShortName) {
    EXPECT_EQ(nearest_names("-p", {"-b", "--report"}), (Names{"-b"}));
    EXPECT_EQ(nearest_names("", {"x", "xy"}), (Names{"x"}));
}

TEST(NearestNames, KeepsToTheLimitAndNamesEachOnce) {
    EXPECT_EQ(nearest_names("aaaaaa", {"aaaaab", "aaaaac", "aaaaab", "aaaaad"}, 2),
              (Names{"aaaaab", "aaaaac"}));
    EXPECT_TRUE(nearest_names("aaaaaa", {"aaaaab"}, 0).empty());
}

TEST(NearestNames, OrdersEqualDistancesByName) {
    EXPECT_EQ(nearest_names("test", {"text", "best", "rest"}), (Names{"best", "rest", "text"}));
}

TEST(DidYouMean, ReadsAsASentence) {
    EXPECT_EQ(did_you_mean({}), "");
    EXPECT_EQ(did_you_mean({"run"}), "did you mean run?");
    EXPECT_EQ(did_you_mean({"run", "sun"}), "did you mean run or sun?");
    EXPECT_EQ(did_you_mean({"run", "sun", "rum"}), "did you mean run, sun or rum?");
}

}  // namespace
}  // namespace trapgate

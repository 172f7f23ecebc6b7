// SPDX-License-Identifier: GPL-2.0-only
#include "base/values.hpp"

#include <gtest/gtest.h>

namespace trapgate {
namespace {

TEST(Sizes, ReadPowersOf1024) {
    EXPECT_EQ(parse_size("4096", "--mem").value(), 4096U);
    EXPECT_EQ(parse_size("64K", "--mem").value(), 64U << 10);
    EXPECT_EQ(parse_size("256M", "--mem").value(), 256U << 20);
    EXPECT_EQ(parse_size("256MiB", "--mem").value(), 256U << 20);
    EXPECT_EQ(parse_size("2G", "--mem").value(), 2ULL << 30);
}

TEST(Counts, ReadPowersOf1000AndUnderscores) {
    EXPECT_EQ(parse_count("1_000_000", "-n").value(), 1'000'000U);
    EXPECT_EQ(parse_count("20M", "-n").value(), 20'000'000U);
    EXPECT_EQ(parse_count("3k", "-n").value(), 3'000U);
}

class BadNumber : public testing::TestWithParam<const char*> {};

TEST_P(BadNumber, IsRefusedWithOptionAndHint) {
    const auto size = parse_size(GetParam(), "--mem");
    ASSERT_FALSE(size);
    EXPECT_EQ(size.error().where, "--mem");
    EXPECT_NE(size.error().hint, "");
    EXPECT_FALSE(parse_count(GetParam(), "-n"));
    EXPECT_FALSE(parse_seconds(GetParam(), "-t"));
}

INSTANTIATE_TEST_SUITE_P(Texts, BadNumber,
                         testing::Values("", "0", "-1", "M", "12x", "12 M", " 12", "1e999", "1__M1",
                                         "0x10"));

TEST(Sizes, RefuseWhatDoesNotFitIn64Bits) {
    EXPECT_FALSE(parse_size("99999999999999999999", "--mem"));
    EXPECT_FALSE(parse_size("18446744073709551615G", "--mem"));
}

TEST(Seconds, ReadFractions) {
    EXPECT_DOUBLE_EQ(parse_seconds("2.5", "-t").value(), 2.5);
    EXPECT_FALSE(parse_seconds("nan", "-t"));
    EXPECT_FALSE(parse_seconds("inf", "-t"));
}

}  // namespace
}  // namespace trapgate

// SPDX-License-Identifier: GPL-2.0-only
#include "tests/cli/case_file.hpp"

#include <gtest/gtest.h>

namespace trapgate::cli {
namespace {

TEST(CaseFile, ReadsTitleCommandStatusAndExpectations) {
    const auto cases = parse_cases(
        "# comment\n== a title: 2\n$ one\n$ two\nstatus 3\n"
        "out has x y\nerr lacks \\e\nout starts z\nerr is empty\n");
    ASSERT_TRUE(cases) << cases.error().message();
    ASSERT_EQ(cases->size(), 1U);
    const CommandCase& one = cases->front();
    EXPECT_EQ(one.test_name(), "ATitle2");
    EXPECT_EQ(one.command, "one\ntwo");
    EXPECT_EQ(one.status, 3);
    ASSERT_EQ(one.expectations.size(), 4U);
    EXPECT_EQ(one.expectations[0].text, "x y");
    EXPECT_EQ(one.expectations[1].stream, Expectation::Stream::Err);
    EXPECT_EQ(one.expectations[1].text, "\033");
    EXPECT_EQ(one.expectations[3].kind, Expectation::Kind::Empty);
}

class BadCaseFile : public testing::TestWithParam<const char*> {};

TEST_P(BadCaseFile, IsRefusedWithItsLine) {
    const auto cases = parse_cases(GetParam());
    ASSERT_FALSE(cases);
    EXPECT_TRUE(cases.error().where.starts_with("line ")) << cases.error().message();
}

INSTANTIATE_TEST_SUITE_P(Lines, BadCaseFile,
                         testing::Values("out has before any title\n", "== t\nout hsa x\n",
                                         "== t\nstatus two\n", "== t\nout has\n",
                                         "== t\nprints x\n"));

}  // namespace
}  // namespace trapgate::cli

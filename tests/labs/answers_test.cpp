// SPDX-License-Identifier: GPL-2.0-only
#include "labs/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trapgate::labs {
namespace {

const Value kNumber{std::uint64_t{0}};
const Value kText{std::string{}};

TEST(Answers, AreKeysWithTrimmedValues) {
    const auto answers = parse_answers("# intro\n a =  1 # one\r\n\nb=\nlong name = x y");
    ASSERT_TRUE(answers) << answers.error().message();
    EXPECT_THAT(*answers,
                testing::UnorderedElementsAre(testing::Pair("a", "1"), testing::Pair("b", ""),
                                              testing::Pair("long name", "x y")));
}

TEST(Answers, NameTheLineThatIsNone) {
    const auto answers = parse_answers("a = 1\njust words\n");
    ASSERT_FALSE(answers);
    EXPECT_EQ(answers.error().where, "answers.txt:2");
}

TEST(Answer, IsANumberInEitherBase) {
    EXPECT_EQ(parse_answer("24", kNumber).value(), Value(std::uint64_t{24}));
    EXPECT_EQ(parse_answer("0x18", kNumber).value(), Value(std::uint64_t{24}));
    EXPECT_EQ(parse_answer("0xffffffff81001cf0", kNumber).value(),
              Value(std::uint64_t{0xffffffff81001cf0}));
}

TEST(Answer, SaysHowToWriteANumber) {
    EXPECT_THAT(parse_answer("ffffffff81001cf0", kNumber).error().hint,
                testing::HasSubstr("begin with 0x"));
    EXPECT_FALSE(parse_answer("many", kNumber));
    EXPECT_FALSE(parse_answer("", kNumber));
    EXPECT_FALSE(parse_answer("-1", kNumber));
    EXPECT_FALSE(parse_answer("0x1ffffffffffffffff", kNumber));
}

TEST(Answer, IsTextWithOrWithoutQuotes) {
    EXPECT_EQ(parse_answer("/tmp/a", kText).value(), Value(std::string("/tmp/a")));
    EXPECT_EQ(parse_answer("\"/tmp/a\"", kText).value(), Value(std::string("/tmp/a")));
}

}  // namespace
}  // namespace trapgate::labs

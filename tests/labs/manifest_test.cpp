// SPDX-License-Identifier: GPL-2.0-only
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "labs/lab.hpp"
#include "labs/program_check.hpp"

namespace trapgate::labs {
namespace {

using testing::HasSubstr;

Result<Lab> read_text_as_lab(const std::string& text) {
    const TemporaryFolder folder;
    EXPECT_TRUE(write_file(folder.path() / "lab.json", text));
    return read_lab(folder.path());
}

std::string document(const std::string& check) {
    return R"({"title": "T", "summary": "S", "minutes": 5,
               "limits": {"instructions": 1000, "seconds": 1.5},
               "checks": [)" +
           check + "]}";
}

TEST(Manifest, ReadsEachKindOfCheck) {
    const auto lab = read_text_as_lab(document(
        R"({"name": "a", "points": 2, "answer": "key", "append": "x=1",
            "expect": {"register": "rdx", "at": "f"},
            "mistakes": [{"is": {"hits": "g"}, "append": "", "because": "no"}]},
           {"name": "b", "points": 1, "probe": "p.txt", "event": "l/e", "appends": ["x", "y"],
            "expect": {"hits": "f"}},
           {"name": "c", "points": 0.5, "program": "p.c", "map": "m",
            "expect": {"sum": "rdi", "at": "f"}})"));
    ASSERT_TRUE(lab) << lab.error().message();
    EXPECT_DOUBLE_EQ(lab->points(), 3.5);
    ASSERT_EQ(lab->checks.size(), 3U);
    EXPECT_EQ(lab->checks[0].kind, Check::Kind::Answer);
    EXPECT_EQ(lab->checks[0].expect.append, "x=1");
    EXPECT_EQ(lab->checks[0].mistakes[0].is.append, "");
    EXPECT_EQ(lab->checks[1].kind, Check::Kind::Probe);
    EXPECT_EQ(lab->checks[1].appends.size(), 2U);
    EXPECT_EQ(lab->checks[2].expect.kind, Quantity::Kind::RegisterSum);
}

TEST(Manifest, NamesTheLineOfWhatIsNotJson) {
    const auto lab = read_text_as_lab("{\n\"title\": \"T\"\n\"summary\": 1}");
    ASSERT_FALSE(lab);
    EXPECT_THAT(lab.error().where, HasSubstr("lab.json:3"));
}

struct BadManifest {
    const char* check;
    const char* says;
};

class BadCheck : public testing::TestWithParam<BadManifest> {};

TEST_P(BadCheck, IsRefusedWithFieldAndWhatWasExpected) {
    const auto lab = read_text_as_lab(document(GetParam().check));
    ASSERT_FALSE(lab);
    EXPECT_THAT(lab.error().what, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadCheck,
    testing::Values(
        BadManifest{"5", "checks[0]: expected an object"},
        BadManifest{R"({"points": 1})", "checks[0].name: expected a string"},
        BadManifest{R"({"name": "a", "points": -1})", "checks[0].points: expected a number above"},
        BadManifest{R"({"name": "a", "pionts": 1})", "checks[0].pionts: expected did you mean"},
        BadManifest{R"({"name": "a", "points": 1, "answer": "k"})",
                    "checks[0].expect: expected an object"},
        BadManifest{R"({"name": "a", "points": 1, "answer": "k", "expect": {"register": "rax"}})",
                    "checks[0].expect.at: expected a string"},
        BadManifest{R"({"name": "a", "points": 1, "probe": "k", "expect": {"hits": "f"}})",
                    "checks[0].event: expected a string"},
        BadManifest{R"({"name": "a", "points": 1, "answer": "k", "appends": [],
                        "expect": {"hits": "f"}})",
                    "checks[0].appends: expected at least one"}));

TEST(Labs, AreFoundByName) {
    const std::filesystem::path root = TRAPGATE_SOURCE_DIR "/labs";
    EXPECT_TRUE(find_lab(root, "first-boot"));
    const auto wrong = find_lab(root, "frist-boot");
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().hint, HasSubstr("first-boot"));
}

}  // namespace
}  // namespace trapgate::labs

// SPDX-License-Identifier: GPL-2.0-only
// cases.txt: commands as a user types them.
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "tests/cli/case_file.hpp"
#include "tests/cli/trapgate_process.hpp"

namespace trapgate::cli {
namespace {

const std::filesystem::path kCaseFile = TRAPGATE_SOURCE_DIR "/tests/cli/cases.txt";

std::vector<CommandCase> all_cases() {
    const auto bytes = read_file(kCaseFile);
    const auto cases = bytes ? parse_cases(
                                   {reinterpret_cast<const char*>(bytes->data()), bytes->size()})
                             : tl::unexpected(bytes.error());
    // GoogleTest asks before any test runs: a file that cannot be read shows as a failing case.
    return cases ? *cases
                 : std::vector{CommandCase{"cases.txt", "echo " + cases.error().message(), -1, {}}};
}

std::string broken(const Expectation& expectation, const std::string& text) {
    const std::string stream = expectation.stream == Expectation::Stream::Out ? "stdout" : "stderr";
    switch (expectation.kind) {
        case Expectation::Kind::Has:
            return text.find(expectation.text) != std::string::npos
                       ? ""
                       : stream + " lacks: " + expectation.text;
        case Expectation::Kind::Lacks:
            return text.find(expectation.text) == std::string::npos
                       ? ""
                       : stream + " has: " + expectation.text;
        case Expectation::Kind::Starts:
            return text.starts_with(expectation.text)
                       ? ""
                       : stream + " does not start with: " + expectation.text;
        case Expectation::Kind::Empty: return text.empty() ? "" : stream + " is not empty";
    }
    return "";
}

class Command : public testing::TestWithParam<CommandCase> {};

TEST_P(Command, DoesWhatItsCaseSays) {
    const CommandCase& one = GetParam();
    const ScratchFolder folder(one.test_name());
    const auto result = run_shell(one.command, folder.path());
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_FALSE(result->timed_out);
    EXPECT_EQ(result->status, one.status);
    for (const Expectation& expectation : one.expectations) {
        const bool out = expectation.stream == Expectation::Stream::Out;
        EXPECT_EQ(broken(expectation, out ? result->out : result->err), "");
    }
    if (HasFailure()) {
        folder.keep({{"command", one.command}, {"stdout", result->out}, {"stderr", result->err}});
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, Command, testing::ValuesIn(all_cases()),
                         [](const auto& one) { return one.param.test_name(); });

// Everything that -j writes is a JSON object a line with the two keys first, and the time never
// runs backwards.
TEST(RunJson, IsAnObjectALineWithCycleAndEventFirst) {
    const ScratchFolder folder("RunJson");
    const auto result = run_shell("trapgate run -j -p vfs_open -b open_counter.bpf.o",
                                  folder.path());
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->status, 0);
    EXPECT_EQ(result->err, "");
    std::istringstream lines(result->out);
    std::map<std::string, int> events;
    std::uint64_t last = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto object = nlohmann::ordered_json::parse(line, nullptr, false);
        ASSERT_TRUE(object.is_object()) << line;
        ASSERT_EQ(object.begin().key(), "cycle") << line;
        ASSERT_EQ(std::next(object.begin()).key(), "event") << line;
        EXPECT_GE(object["cycle"].get<std::uint64_t>(), last) << line;
        last = object["cycle"];
        ++events[object["event"]];
        if (object["event"] == "end") {
            EXPECT_EQ(object["report"]["probes"][0]["hits"], events["probe"]);
            EXPECT_EQ(object["report"]["rings"][0]["records"], events["record"]);
        }
    }
    EXPECT_GT(events["console"], 5);
    EXPECT_GT(events["probe"], 5);
    EXPECT_GT(events["record"], 5);
    EXPECT_EQ(events["end"], 1);
}

// What the demo recommends must work as it stands.
TEST(Demo, RecommendsCommandsThatWork) {
    const ScratchFolder folder("Demo");
    const auto demo = run_shell("trapgate demo", folder.path());
    ASSERT_TRUE(demo) << demo.error().message();
    ASSERT_EQ(demo->status, 0) << demo->err;
    const std::size_t next = demo->out.find("Try next:\n");
    ASSERT_NE(next, std::string::npos) << demo->out;
    std::istringstream lines(demo->out.substr(next));
    int commands = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::string command = line.substr(std::min<std::size_t>(3, line.size()));
        if (!line.starts_with("   ") || command.starts_with(" ")) {
            continue;
        }
        const auto result = run_shell(command, folder.path());
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_EQ(result->status, 0) << command << "\n" << result->err;
        EXPECT_NE(result->out, "") << command;
        ++commands;
    }
    EXPECT_EQ(commands, 3) << demo->out;
}

}  // namespace
}  // namespace trapgate::cli

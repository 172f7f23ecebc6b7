// SPDX-License-Identifier: GPL-2.0-only
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/shell.hpp"

namespace trapgate::tools {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Dev, HelpBeginsWithExamples) {
    const ShellResult help = shell("./dev --help");
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.output, StartsWith("Examples:\n"));
    for (const char* command : {"demo", "test", "build", "bench", "fuzz", "format", "tidy",
                                "sanitize", "fetch-linux", "clean"}) {
        EXPECT_THAT(help.output, HasSubstr(std::string("\n  ") + command + " "));
    }
}

TEST(Dev, SuggestsTheNearestCommand) {
    const ShellResult answer = shell("./dev tset");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.output, HasSubstr("'tset'; did you mean test?"));
}

TEST(Dev, SuggestsNothingForAWordThatResemblesNone) {
    const ShellResult answer = shell("./dev frobnicate");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.output, Not(HasSubstr("did you mean")));
    EXPECT_THAT(answer.output, HasSubstr("--help"));
}

TEST(Dev, RefusesAnUnknownOptionOfFormat) {
    const ShellResult answer = shell("./dev format --chekc");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.output, HasSubstr("'--chekc'"));
}

TEST(Dev, WithoutACommandShowsTheHelpAndFails) {
    const ShellResult answer = shell("./dev");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.output, HasSubstr("Usage: ./dev COMMAND"));
}

TEST(Dev, WritesNoEscapeSequencesIntoAPipe) {
    EXPECT_THAT(shell("TERM=xterm ./dev tset").output, Not(HasSubstr("\x1b")));
}

TEST(DevSkipReasons, CountsTheTestsThatGaveEach) {
    const ShellResult answer = shell(R"(DEV_SOURCED=1 . ./dev; skip_reasons /dev/stdin <<'LOG'
[ RUN      ] A.One
/x/a_test.cpp:12: Skipped
TRAPGATE_CASES is not set

[  SKIPPED ] A.One (0 ms)
/x/a_test.cpp:20: Skipped
TRAPGATE_CASES is not set
[  SKIPPED ] A.Two (0 ms)
[  SKIPPED ] 1 test, listed below:
/x/b_test.cpp:7: Skipped
no bpf(2) here
[  SKIPPED ] B.One (0 ms)
LOG)");
    EXPECT_EQ(answer.output, "     1  no bpf(2) here\n     2  TRAPGATE_CASES is not set\n");
}

TEST(DevCountResults, ReadsTheTotalsOfAJUnitFile) {
    const ShellResult answer = shell(R"(DEV_SOURCED=1 . ./dev; count_results /dev/stdin <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Linux"
	tests="40"
	failures="3"
	disabled="1"
	skipped="4"
	hostname=""
>
	<testcase name="tests" failures="9"/>
XML)");
    EXPECT_EQ(answer.output, "40 3 5\n");
}

}  // namespace
}  // namespace trapgate::tools

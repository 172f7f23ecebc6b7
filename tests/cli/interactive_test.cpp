// SPDX-License-Identifier: GPL-2.0-only
// `trapgate run` on a terminal.
#include <csignal>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/pty_process.hpp"

namespace trapgate::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// "exec": what we signal and wait for is trapgate itself.
constexpr const char* kSpin = "exec trapgate run --append spin";

TEST(Interactive, CtrlAXLeavesAndPutsTheTerminalBack) {
    PtyProcess run(kSpin);
    ASSERT_TRUE(run.shows("Ctrl-A x leaves, Ctrl-A h helps")) << run.shown();
    ASSERT_TRUE(run.shows("Timer")) << run.shown();
    EXPECT_FALSE(run.terminal_is_cooked());
    run.type("\x01x");
    EXPECT_EQ(run.wait(), 0);
    EXPECT_TRUE(run.terminal_is_cooked());
    EXPECT_THAT(run.shown(), HasSubstr(" left at "));
}

TEST(Interactive, CtrlAHShowsHelpAndGoesOn) {
    PtyProcess run(kSpin);
    ASSERT_TRUE(run.shows("Timer")) << run.shown();
    run.type("\x01h");
    EXPECT_TRUE(run.shows("Ctrl-A Ctrl-A  send Ctrl-A to the guest")) << run.shown();
    run.type("\x01x");
    EXPECT_EQ(run.wait(), 0);
}

TEST(Interactive, CtrlCIsTheGuests) {
    PtyProcess run(kSpin);
    ASSERT_TRUE(run.shows("Timer")) << run.shown();
    run.type("\x03\x1a\x1c");
    run.type("\x01h");
    EXPECT_TRUE(run.shows("All other keys")) << "it still runs";
    run.type("\x01x");
    EXPECT_EQ(run.wait(), 0);
}

TEST(Interactive, TheEndOfTheGuestPutsTheTerminalBack) {
    PtyProcess run("exec trapgate run --workload");
    EXPECT_EQ(run.wait(), 0);
    EXPECT_TRUE(run.terminal_is_cooked());
    EXPECT_THAT(run.shown(), HasSubstr("workload: pass"));
}

class InteractiveSignal : public testing::TestWithParam<int> {};

TEST_P(InteractiveSignal, PutsTheTerminalBack) {
#ifdef __SANITIZE_ADDRESS__
    if (GetParam() == SIGSEGV) {
        GTEST_SKIP() << "AddressSanitizer takes this signal for itself";
    }
#endif
    PtyProcess run(kSpin);
    ASSERT_TRUE(run.shows("Timer")) << run.shown();
    run.send_signal(GetParam());
    EXPECT_EQ(run.wait(), 128 + GetParam());
    EXPECT_TRUE(run.terminal_is_cooked());
}

INSTANTIATE_TEST_SUITE_P(Signals, InteractiveSignal,
                         testing::Values(SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV),
                         [](const auto& one) { return "Of" + std::to_string(one.param); });

TEST(Interactive, AStoppedRunLeavesTheTerminalToTheShell) {
    PtyProcess run(kSpin);
    ASSERT_TRUE(run.shows("Timer")) << run.shown();
    run.send_signal(SIGTSTP);
    for (int i = 0; i < 600 && !run.terminal_is_cooked(); ++i) {
        run.shows_nothing_for_a_moment();
    }
    EXPECT_TRUE(run.terminal_is_cooked());
    run.send_signal(SIGCONT);
    for (int i = 0; i < 600 && run.terminal_is_cooked(); ++i) {
        run.shows_nothing_for_a_moment();
    }
    EXPECT_FALSE(run.terminal_is_cooked());
    run.type("\x01x");
    EXPECT_EQ(run.wait(), 0);
}

TEST(Interactive, ATerminalIsNotTouchedWhenTheConsoleGoesElsewhere) {
    PtyProcess run(
        "trapgate run --workload | tail -n 3; trapgate run -j | tail -n 1 | cut -c 1-20");
    EXPECT_EQ(run.wait(), 0);
    EXPECT_THAT(run.shown(), Not(HasSubstr("Ctrl-A")));
}

}  // namespace
}  // namespace trapgate::cli

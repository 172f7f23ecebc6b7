// SPDX-License-Identifier: GPL-2.0-only
#include "base/process.hpp"

#include <gtest/gtest.h>

namespace trapgate {
namespace {

TEST(Process, GivesStatusAndBothStreams) {
    const auto result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"});
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->status, 3);
    EXPECT_EQ(result->out, "out\n");
    EXPECT_EQ(result->err, "err\n");
}

TEST(Process, RunsWithItsFolderAndEnvironment) {
    ProcessOptions options;
    options.folder = "/";
    options.environment = {"LAB_WORD=hello"};
    const auto result = run_process({"sh", "-c", "pwd; echo $LAB_WORD"}, options);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->out, "/\nhello\n");
}

TEST(Process, IsEndedWithItsChildrenWhenTimeIsUp) {
    ProcessOptions options;
    options.max_seconds = 0.2;
    const auto result = run_process({"sh", "-c", "sleep 100 & sleep 100"}, options);
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->timed_out);
    EXPECT_EQ(result->status, 128 + 9);
}

TEST(Process, DropsAFloodBeyondTheLimit) {
    ProcessOptions options;
    options.max_output = 1000;
    const auto result = run_process({"sh", "-c", "yes | head -c 5000000"}, options);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->out.size(), 1000U);
    EXPECT_EQ(result->status, 0);
}

TEST(Process, IsRefusedWhenThereIsNoSuchProgram) {
    const auto result = run_process({"no-such-program-at-all"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().linux_errno, ENOENT);
}

}  // namespace
}  // namespace trapgate

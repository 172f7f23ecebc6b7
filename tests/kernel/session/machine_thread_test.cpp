// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/machine_thread.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace trapgate::kernel {
namespace {

std::unique_ptr<MachineThread> start(const std::string& command_line = "") {
    SessionConfig config;
    config.image.kernel = std::filesystem::path(TRAPGATE_SHARE_DIR) / "minikernel.elf";
    config.image.command_line = command_line;
    Result<std::unique_ptr<Session>> session = Session::create(config);
    if (!session) {
        ADD_FAILURE() << session.error().message();
        return nullptr;
    }
    return std::make_unique<MachineThread>(std::move(*session));
}

SnapshotPtr wait_for(const MachineThread& thread, bool (*wanted)(const SessionSnapshot&)) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    SnapshotPtr now = thread.snapshot();
    while (!wanted(*now) && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        now = thread.snapshot();
    }
    EXPECT_TRUE(wanted(*now));
    return now;
}

TEST(MachineThread, StartsPausedAtStartKernel) {
    const auto thread = start();
    EXPECT_EQ(thread->snapshot()->location.substr(0, 17), "start_kernel+0x0/");
    EXPECT_FALSE(thread->snapshot()->running);
}

TEST(MachineThread, StepsExactly) {
    const auto thread = start();
    const std::uint64_t before = thread->snapshot()->counters.instructions;
    EXPECT_TRUE(thread->command("step 10").get());
    EXPECT_EQ(thread->snapshot()->counters.instructions, before + 10);
    EXPECT_TRUE(thread->command("s").get());
    EXPECT_EQ(thread->snapshot()->counters.instructions, before + 11);
}

TEST(MachineThread, RunsToTheEnd) {
    const auto thread = start();
    EXPECT_TRUE(thread->command("c").get());
    const SnapshotPtr end = wait_for(*thread, [](const SessionSnapshot& s) { return s.ended; });
    EXPECT_EQ(end->stop.reason, emu::StopReason::GuestExit);
    EXPECT_FALSE(end->running);
    EXPECT_FALSE(thread->command("continue").get());
}

TEST(MachineThread, PausesASpinningGuest) {
    const auto thread = start("spin");
    EXPECT_TRUE(thread->command("continue").get());
    wait_for(*thread,
             [](const SessionSnapshot& s) { return s.counters.instructions > 20'000'000; });
    EXPECT_TRUE(thread->command("pause").get());
    EXPECT_FALSE(thread->snapshot()->running);
    EXPECT_FALSE(thread->snapshot()->ended);
}

TEST(MachineThread, ClosesWhileTheGuestRuns) {
    const auto thread = start("spin");
    EXPECT_TRUE(thread->command("continue").get());
}

TEST(MachineThread, SaysWhichCommandWasMeant) {
    const auto thread = start();
    const Result<std::string> answer = thread->command("contnue").get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().hint, "did you mean continue?");
    EXPECT_FALSE(thread->command("step zero").get());
}

}  // namespace
}  // namespace trapgate::kernel

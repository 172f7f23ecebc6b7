// SPDX-License-Identifier: GPL-2.0-only
// Programs that take more than there is: the kernel lives, and has its memory back afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

class HostileProgram : public testing::TestWithParam<unsigned> {
protected:
    void expect(const std::string& command, const std::string& output,
                std::uint64_t ram_bytes = 48ULL << 20) {
        const Ran ran = run_shell(busybox_, command, {.cpus = GetParam(), .ram_bytes = ram_bytes});
        EXPECT_EQ(ran.stop.reason, emu::StopReason::GuestExit) << ran.console;
        EXPECT_EQ(ran.console, output);
    }
    void SetUp() override {
        TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
        busybox_ = busybox;
    }

private:
    std::filesystem::path busybox_;
};

TEST_P(HostileProgram, ThatUsesUpItsStackIsKilled) {
    expect("(f() { f; }; f) 2>&1; echo $?", "Segmentation fault\n139\n");
}

TEST_P(HostileProgram, ThatUsesUpTheMemoryIsKilled) {
    expect("tail /dev/zero 2>&1; echo $?; tail /dev/zero 2>&1; echo $?",
           "Killed\n137\nKilled\n137\n");
}

TEST_P(HostileProgram, ThatFillsTheFilesLeavesRoomForPrograms) {
    expect(
        "dd if=/dev/zero of=/tmp/x bs=64k 2>&1 | head -1; ls /tmp; rm /tmp/x\n"
        "dd if=/dev/zero of=/tmp/y bs=1M count=20 2>/dev/null; wc -c < /tmp/y",
        "dd: error writing '/tmp/x': No space left on device\nx\n20971520\n");
}

TEST_P(HostileProgram, ThatForksWithoutEndIsStopped) {
    expect(
        "free() { while read a b c; do case $a in MemFree:) echo $b;; esac; done < /proc/meminfo; "
        "}\n"
        "pause() { i=0; while [ $i -lt $1 ]; do i=$((i+1)); done; }\n"
        "b() { b | b & }\n"
        "for n in 1 2 3 4; do (b) 2> /dev/null; pause 300; kill -9 -1; pause 2000; sleep 0.05\n"
        "free >> /tmp/free; done; tail -2 /tmp/free | sort -u | wc -l",
        "1\n", 256ULL << 20);
}

INSTANTIATE_TEST_SUITE_P(OnCpus, HostileProgram, testing::Values(1U, 4U),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace trapgate::roms

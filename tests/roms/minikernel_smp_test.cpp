// SPDX-License-Identifier: GPL-2.0-only
// The minikernel on several CPUs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/roms/booted.hpp"
#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kRam = 256ULL << 20;

class MinikernelCpus : public testing::TestWithParam<unsigned> {};

TEST_P(MinikernelCpus, RunTheWorkload) {
    Booted guest("tasks=12 loops=20", kRam, GetParam());
    const emu::StopEvent stop = guest.run();
    EXPECT_EQ(stop.reason, emu::StopReason::GuestExit) << guest.console;
    EXPECT_EQ(stop.status, 0U) << guest.console;
    EXPECT_THAT(guest.console, HasSubstr("smp: " + std::to_string(GetParam()) + " CPUs\r\n"));
}

TEST_P(MinikernelCpus, PanicAsOne) {
    Booted guest("panic", kRam, GetParam());
    const emu::StopEvent stop = guest.run();
    EXPECT_EQ(stop.reason, emu::StopReason::Panic) << guest.console;
    EXPECT_TRUE(guest.console.ends_with(
        "---[ end Kernel panic - not syncing: init: asked for by the command line ]---\r\n"));
}

INSTANTIATE_TEST_SUITE_P(TwoToFour, MinikernelCpus, testing::Values(2U, 3U, 4U),
                         testing::PrintToStringParamName());

TEST(MinikernelSmp, DividesTheWork) {
    Booted one("tasks=12 loops=100", kRam);
    Booted four("tasks=12 loops=100", kRam, 4);
    one.run();
    four.run();
    EXPECT_LT(four.machine->counters().cycles.value * 2, one.machine->counters().cycles.value);
}

TEST(MinikernelSmp, IsTheSameTwentyTimes) {
    Booted first("tasks=8 loops=10 hz=5000", kRam, 4);
    first.run();
    for (int i = 1; i < 20; ++i) {
        Booted again("tasks=8 loops=10 hz=5000", kRam, 4);
        again.run();
        ASSERT_EQ(again.console, first.console);
        ASSERT_EQ(again.machine->counters(), first.machine->counters());
    }
}

TEST(MinikernelSmp, RunsProgramsOnEveryCpu) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(
        busybox,
        "free() { while read a b c; do case $a in MemFree:) echo $b;; esac; done < /proc/meminfo; "
        "}\n"
        "work() { for i in 1 2 3 4 5 6; do (seq 1 3000 | sort -r | md5sum; sleep 0.1) & done; "
        "wait; sleep 0.1; }\n"
        "for n in 1 2 3 4; do work > /tmp/out; free >> /tmp/free; done\n"
        "sort -u /tmp/out; tail -3 /tmp/free | sort -u | wc -l\n"
        "nproc\n"
        "awk '/^cpu[0-9]/ { n += $2 + $4 > 0 } END { print n }' /proc/stat",
        {.cpus = 4});
    EXPECT_EQ(ran.stop.reason, emu::StopReason::GuestExit) << ran.console;
    EXPECT_EQ(ran.console, "58a411f0f5089590c17ee74d6b228992  -\n1\n4\n4\n");
}

TEST(MinikernelSmp, KillsAndStopsWhatRunsElsewhere) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(busybox,
                              "for i in 1 2 3; do while :; do :; done & p=\"$p $!\"; done\n"
                              "sleep 0.05; kill -STOP $p; sleep 0.05; kill -CONT $p; sleep 0.02\n"
                              "kill $p; for i in $p; do wait $i; echo $?; done 2>&1",
                              {.cpus = 4});
    EXPECT_THAT(ran.console, HasSubstr("143\n143\n143\n"));
}

}  // namespace
}  // namespace trapgate::roms

// SPDX-License-Identifier: GPL-2.0-only
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/roms/booted.hpp"

namespace trapgate::roms {
namespace {

using emu::StopReason;
using testing::HasSubstr;
using Calls = std::map<std::string, std::uint64_t>;

TEST(MinikernelBoot, RunsItsWorkloadAndPasses) {
    Booted guest;
    const emu::StopEvent stop = guest.run();
    EXPECT_EQ(stop.reason, StopReason::GuestExit) << guest.console;
    EXPECT_EQ(stop.status, 0U);
    EXPECT_THAT(guest.console, HasSubstr("Hello from /dev/console\r\n"));
    EXPECT_THAT(guest.console, HasSubstr("workload: pass"));
    EXPECT_LT(guest.machine->counters().instructions, 20'000'000U);
    // The bad address that the workload hands to open, and nothing else.
    EXPECT_EQ(guest.machine->counters().exceptions[14], 1U);
}

TEST(MinikernelBoot, IsTheSameEveryTime) {
    Booted first;
    first.run();
    for (int i = 0; i < 5; ++i) {
        Booted again;
        again.run();
        EXPECT_EQ(again.console, first.console);
        EXPECT_EQ(again.machine->counters(), first.machine->counters());
    }
}

// The table in roms/minikernel/README.md.
TEST(MinikernelBoot, CallsEachFunctionAsOftenAsDocumented) {
    const Calls documented{
        {"do_sys_openat2", 53},  {"do_filp_open", 52},  {"vfs_open", 51},
        {"vfs_read", 121},       {"vfs_write", 99},     {"ksys_read", 121},
        {"ksys_write", 99},      {"close_fd", 51},      {"do_unlinkat", 12},
        {"do_mkdirat", 2},       {"ramfs_create", 17},  {"kernel_clone", 4},
        {"do_exit", 3},          {"worker_thread", 3},  {"schedule_timeout", 12},
        {"process_timeout", 12}, {"exc_page_fault", 1},
    };
    std::vector<std::string> names;
    for (const auto& [name, count] : documented) {
        names.push_back(name);
    }
    Booted guest;
    guest.count_calls(names);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.calls, documented);
}

TEST(MinikernelBoot, ScalesItsWorkloadByTheCommandLine) {
    Booted guest("tasks=2 loops=5 hz=100");
    guest.count_calls({"do_sys_openat2", "do_unlinkat", "schedule_timeout"});
    EXPECT_EQ(guest.run().status, 0U);
    EXPECT_EQ(guest.calls, (Calls{{"do_sys_openat2", 2 * 2 * 5 + 5},
                                  {"do_unlinkat", 2 * 4},
                                  {"schedule_timeout", 2 * 2}}));
    EXPECT_THAT(guest.console, HasSubstr("HZ=100\r\n"));
}

TEST(MinikernelBoot, LivesInLittleMemory) {
    Booted guest("tasks=64 loops=2", 18ULL << 20);
    EXPECT_EQ(guest.run().status, 0U) << guest.console;
}

TEST(MinikernelBoot, StaysRightWhenPreemptedTenTimesAsOften) {
    Booted guest("tasks=20 loops=20 hz=10000");
    EXPECT_EQ(guest.run().status, 0U) << guest.console;
    EXPECT_GT(guest.machine->counters().interrupts, 300U);
}

TEST(MinikernelBoot, SaysWhereItPanicked) {
    Booted guest("panic");
    guest.run();
    EXPECT_THAT(guest.console, testing::ContainsRegex("RIP: 0010:do_panic\\+0x[0-9a-f]+/0x"));
    EXPECT_THAT(guest.console, HasSubstr("RSP: 0018:ffffc900"));
    EXPECT_THAT(guest.console, testing::ContainsRegex("Call Trace:.*\n.* do_panic\\+0x.*\n"
                                                      ".* run_ending\\+0x.*\n.* kernel_init\\+0x"));
}

struct Ending {
    const char* word;
    StopReason reason;
    std::uint32_t status;
    const char* last_words;
};

class MinikernelEnding : public testing::TestWithParam<Ending> {};

TEST_P(MinikernelEnding, IsWhatTheCommandLineAsksFor) {
    const Ending& ending = GetParam();
    Booted guest(ending.word);
    const emu::StopEvent stop = guest.run(20'000'000);
    EXPECT_EQ(stop.reason, ending.reason) << guest.console;
    EXPECT_EQ(stop.status, ending.status);
    EXPECT_THAT(guest.console, HasSubstr(ending.last_words));
}

INSTANTIATE_TEST_SUITE_P(
    All, MinikernelEnding,
    testing::Values(Ending{"panic", StopReason::Panic, 255, "init: asked for by the command line"},
                    Ending{"oops", StopReason::Panic, 255, "RIP: 0010:do_oops+0x"},
                    Ending{"stackoverflow", StopReason::Panic, 255, "kernel stack overflow"},
                    Ending{"spin", StopReason::InsnLimit, 0, "HZ=1000"},
                    Ending{"halt", StopReason::Dead, 0, "HZ=1000"},
                    Ending{"triplefault", StopReason::TripleFault, 0, "HZ=1000"},
                    Ending{"reboot", StopReason::Shutdown, 0, "HZ=1000"},
                    Ending{"exit=7", StopReason::GuestExit, 7, "workload: pass"},
                    Ending{"frobnicate", StopReason::GuestExit, 0, "parameter \"frobnicate\""},
                    Ending{"hz=1", StopReason::GuestExit, 0, "not a number from 19 to 10000"}),
    [](const auto& param) {
        std::string name = param.param.word;
        std::erase_if(name, [](char c) { return c == '='; });
        return name;
    });

}  // namespace
}  // namespace trapgate::roms

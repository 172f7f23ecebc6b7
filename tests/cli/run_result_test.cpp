// SPDX-License-Identifier: GPL-2.0-only
#include "cli/run_result.hpp"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trapgate::cli {
namespace {

using emu::StopReason;
using testing::HasSubstr;

RunResult result_of(StopReason reason, std::uint32_t status = 0) {
    RunResult result;
    result.last.model = "functional";
    result.last.counters.cycles = Cycles{1234};
    result.last.counters.instructions = 1200;
    result.last.location = "do_spin+0x4/0x10";
    result.last.stop = {reason, status, GuestVa{}};
    return result;
}

TEST(EndingText, IsOneLineForAGuestThatPassed) {
    EXPECT_EQ(ending_text(result_of(StopReason::GuestExit), Terminal{}),
              "trapgate: guest-exit, status 0; 1234 cycles (functional), 1200 instructions\n");
}

TEST(EndingText, NamesThePlaceAndAHintForALimit) {
    const std::string text = ending_text(result_of(StopReason::InsnLimit), Terminal{});
    EXPECT_THAT(text, HasSubstr("trapgate: insn-limit at do_spin+0x4/0x10; 1234 cycles"));
    EXPECT_THAT(text, HasSubstr("\nhint: "));
}

TEST(ExitStatus, FollowsTheTable) {
    EXPECT_EQ(exit_status(result_of(StopReason::GuestExit)), 0);
    EXPECT_EQ(exit_status(result_of(StopReason::Shutdown)), 0);
    EXPECT_EQ(exit_status(result_of(StopReason::GuestExit, 7)), 1);
    EXPECT_EQ(exit_status(result_of(StopReason::Panic, 255)), 3);
    EXPECT_EQ(exit_status(result_of(StopReason::TripleFault)), 3);
    EXPECT_EQ(exit_status(result_of(StopReason::Dead)), 3);
    EXPECT_EQ(exit_status(result_of(StopReason::InsnLimit)), 4);
    EXPECT_EQ(exit_status(result_of(StopReason::CycleLimit)), 4);
    EXPECT_EQ(exit_status(result_of(StopReason::TimeLimit)), 4);
}

TEST(ExitStatus, IsASignalsLikeTheShells) {
    RunResult result = result_of(StopReason::Requested);
    result.signal = SIGINT;
    EXPECT_EQ(exit_status(result), 130);
    EXPECT_THAT(ending_text(result, Terminal{}), HasSubstr("interrupted at do_spin"));
}

TEST(SummaryText, ShowsProbesMapsAndRings) {
    RunResult result = result_of(StopReason::GuestExit);
    result.last.probes = {{"kprobes/a", "vfs_open+0x0", GuestVa{0xffffffff81001cc0}, "", 5, 1},
                          {"kprobe/bb", "f+0x0", GuestVa{0xffffffff81000000}, "prog", 2, 0}};
    kernel::MapView map;
    map.name = "counts";
    map.type = "array";
    map.element_count = 2;
    map.elements.resize(1);
    map.elements[0].key_text = "0";
    map.elements[0].value_text = "53";
    result.last.maps = {map};
    kernel::RingView ring;
    ring.name = "events";
    ring.records = 1;
    ring.dropped = 2;
    result.last.rings = {ring};
    EXPECT_EQ(summary_text(result),
              "probes:\n"
              "  kprobes/a  vfs_open+0x0  ffffffff81001cc0  hits 5  missed 1\n"
              "  kprobe/bb  f+0x0         ffffffff81000000  hits 2  missed 0  program prog\n"
              "maps:\n"
              "  counts (array, 2 elements)\n"
              "    0: 53\n"
              "    ... 1 more\n"
              "rings:\n"
              "  events: 1 record, 2 dropped\n");
}

TEST(SummaryText, IsEmptyWithoutProbes) {
    EXPECT_EQ(summary_text(result_of(StopReason::GuestExit)), "");
}

TEST(SummaryText, ShowsRegistersWhereUntilStopped) {
    RunResult result = result_of(StopReason::Requested);
    result.reached = "f";
    result.last.registers[cpu::Gpr::Rdx] = 0x18;
    result.last.registers.rip = 0x1234;
    EXPECT_THAT(summary_text(result), HasSubstr("rdx 0000000000000018"));
    EXPECT_THAT(summary_text(result), HasSubstr("rip 0000000000001234   do_spin+0x4/0x10\n"));
}

}  // namespace
}  // namespace trapgate::cli

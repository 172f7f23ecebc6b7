// SPDX-License-Identifier: GPL-2.0-only
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Code = std::vector<std::uint8_t>;

const Code kIncRbx{0x48, 0xff, 0xc3};

/// Three times inc rbx, then the exit.
Code three_increments() { return code_of({kIncRbx, kIncRbx, kIncRbx, kExit}); }

GuestVa increment(unsigned index) { return BareGuest::kCode + 3ULL * index; }

void expect_stop(const StopEvent& stop, GuestVa at) {
    EXPECT_EQ(stop.reason, StopReason::Breakpoint);
    EXPECT_EQ(stop.rip, at);
}

TEST(Breakpoint, StopsInFrontOfTheInstructionUncounted) {
    BareGuest guest(three_increments());
    guest.machine->add_breakpoint(increment(1));
    expect_stop(guest.run(), increment(1));
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
    EXPECT_EQ(guest.machine->counters().instructions, 1U);
    EXPECT_EQ(guest.machine->now(), Cycles{1});
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 3U);
    EXPECT_EQ(guest.machine->counters().instructions, 5U);
}

TEST(Breakpoint, StopsAtEachOfSeveralInOneBlock) {
    BareGuest guest(three_increments());
    for (const unsigned index : {0U, 1U, 2U}) {
        guest.machine->add_breakpoint(increment(index));
    }
    expect_stop(guest.run(), increment(1));  // A run that begins at one passes it.
    expect_stop(guest.run(), increment(2));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
}

TEST(Breakpoint, StopsInEachRoundOfALoop) {
    // mov ecx, 5; loop: inc rbx; dec ecx; jnz loop
    BareGuest guest(code_of({{0xb9, 5, 0, 0, 0}, kIncRbx, {0xff, 0xc9, 0x75, 0xf9}, kExit}));
    const GuestVa loop = BareGuest::kCode + 5;
    guest.machine->add_breakpoint(loop);
    for (std::uint64_t round = 0; round < 5; ++round) {
        expect_stop(guest.run(), loop);
        EXPECT_EQ(guest.gpr(Gpr::Rbx), round);
        EXPECT_EQ(guest.machine->counters().instructions, 1 + 3 * round);
    }
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
}

TEST(Breakpoint, CanComeAndGoWhileTheCodeIsTranslated) {
    // loop: inc rbx; inc rbx; inc rbx; jmp loop
    BareGuest guest(code_of({kIncRbx, kIncRbx, kIncRbx, {0xeb, 0xf5}}));
    guest.run(1000);
    guest.machine->add_breakpoint(increment(2));
    expect_stop(guest.run(), increment(2));
    EXPECT_EQ(guest.machine->counters().instructions, 1002U);
    guest.machine->remove_breakpoint(increment(2));
    EXPECT_EQ(guest.run(2000).reason, StopReason::InsnLimit);
    EXPECT_EQ(guest.machine->counters().instructions, 2000U);
}

TEST(Breakpoint, StaysUntilItsLastOwnerRemovesIt) {
    BareGuest guest(code_of({kIncRbx, {0xeb, 0xfb}}));  // loop: inc rbx; jmp loop
    const GuestVa jump = increment(1);
    guest.machine->add_breakpoint(jump);
    guest.machine->add_breakpoint(jump);
    guest.machine->remove_breakpoint(jump);
    expect_stop(guest.run(), jump);
    guest.machine->remove_breakpoint(jump);
    EXPECT_EQ(guest.run(100).reason, StopReason::InsnLimit);
}

TEST(Breakpoint, IsReportedOnceHoweverTheCpuCameToStandThere) {
    BareGuest guest(three_increments());
    guest.machine->add_breakpoint(increment(2));
    EXPECT_EQ(guest.run(1).reason, StopReason::InsnLimit);
    expect_stop(guest.run(2), increment(2));
    EXPECT_EQ(guest.run(2).reason, StopReason::InsnLimit);  // Nothing ran: nothing new to say.
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
}

TEST(Breakpoint, IsNotMissedBetweenSlices) {
    const Code loop = code_of({kIncRbx, kIncRbx, kIncRbx, {0xeb, 0xf5}});
    for (const std::uint64_t slice : {1U, 2U, 3U, 5U, 7U}) {
        BareGuest guest(loop);
        guest.machine->add_breakpoint(increment(1));
        unsigned stops = 0;
        for (std::uint64_t limit = slice; limit <= 400;) {
            if (guest.run(limit).reason == StopReason::Breakpoint) {
                ++stops;
            } else {
                limit += slice;
            }
        }
        EXPECT_EQ(stops, 100U) << "slices of " << slice;
    }
}

TEST(Breakpoint, DoesNotStopARunThatWantsNone) {
    BareGuest guest(three_increments());
    guest.machine->add_breakpoint(increment(1));
    RunLimits limits;
    limits.debug_stops = false;
    EXPECT_EQ(guest.machine->run(limits).reason, StopReason::GuestExit);
}

TEST(Breakpoint, StopsARepeatedStringInstructionOnce) {
    // mov ecx, 1000; lea rdi, [rsp]; rep stosb
    BareGuest guest(
        code_of({{0xb9, 0xe8, 3, 0, 0}, {0x48, 0x8d, 0x3c, 0x24}, {0xf3, 0xaa}, kExit}));
    const GuestVa stosb = BareGuest::kCode + 9;
    guest.machine->add_breakpoint(stosb);
    expect_stop(guest.run(), stosb);
    EXPECT_EQ(guest.gpr(Gpr::Rcx), 1000U);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rcx), 0U);
    EXPECT_EQ(guest.machine->counters().instructions, 5U);
}

TEST(Breakpoint, LeavesMemoryAsItIs) {
    // mov al, [rip+0]: reads the first byte of the instruction behind it
    BareGuest guest(code_of({{0x8a, 0x05, 0, 0, 0, 0}, kIncRbx, kExit}));
    guest.machine->add_breakpoint(BareGuest::kCode + 6);
    expect_stop(guest.run(), BareGuest::kCode + 6);
    EXPECT_EQ(guest.gpr(Gpr::Rax) & 0xff, 0x48U);
}

TEST(Breakpoint, StopsBeforeAProbeAtTheSameAddressFires) {
    for (const bool probe_first : {true, false}) {
        BareGuest guest(three_increments());
        int hits = 0;
        const auto probe = [&] {
            ASSERT_TRUE(guest.machine->plant(increment(1), [&](Machine& machine) {
                ++hits;
                machine.cpu().set_gpr(Gpr::Rbx, 40);
                machine.cpu().set_rip(increment(2));
            }));
        };
        if (probe_first) {
            probe();
        }
        guest.machine->add_breakpoint(increment(1));
        if (!probe_first) {
            probe();
        }
        expect_stop(guest.run(), increment(1));
        EXPECT_EQ(hits, 0);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(hits, 1);
        EXPECT_EQ(guest.gpr(Gpr::Rbx), 41U);
    }
}

TEST(Breakpoint, AddedByAHandlerInFrontOfItStops) {
    BareGuest guest(three_increments());
    ASSERT_TRUE(guest.machine->plant(increment(0), [](Machine& machine) {
        machine.add_breakpoint(increment(2));
        machine.cpu().set_rip(increment(1));
    }));
    expect_stop(guest.run(), increment(2));
}

TEST(Breakpoint, IsPassedOnceAnInstructionThatFaultedHasRun) {
    // The division faults until its handler has set the divisor: div rcx; exit
    BareGuest guest(code_of({{0x48, 0xf7, 0xf1}, kExit}));
    // inc rbx; mov ecx, 1; iretq
    guest.set_handler(0, code_of({kIncRbx, {0xb9, 1, 0, 0, 0, 0x48, 0xcf}}));
    guest.machine->cpu().set_gpr(Gpr::Rcx, 0);
    guest.machine->add_breakpoint(BareGuest::kCode);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);  // The run began there: passed.
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
}

// Such an instruction is restarted in a block of its own.
TEST(Breakpoint, IsPassedOnceByAPortAccess) {
    BareGuest guest(code_of({kIncRbx, {0xe4, 0x61}, kIncRbx, kExit}));  // in al, 0x61
    guest.machine->add_breakpoint(BareGuest::kCode + kIncRbx.size());
    EXPECT_EQ(guest.run().reason, StopReason::Breakpoint);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 2U);
}

TEST(Breakpoint, RequestsOfDebuggerAndOwnerAreBothHeard) {
    BareGuest guest({0xeb, 0xfe});
    guest.machine->request_debugger();
    guest.machine->request_stop();
    EXPECT_EQ(guest.run().reason, StopReason::Requested);
    EXPECT_EQ(guest.run().reason, StopReason::Debugger);
    EXPECT_EQ(guest.run(10).reason, StopReason::InsnLimit);
}

class MinikernelBreakpoint : public testing::Test {
protected:
    static std::unique_ptr<Machine> boot() {
        auto machine = Machine::create({});
        EXPECT_TRUE(machine);
        EXPECT_TRUE(load_boot_image(**machine, {.kernel = TRAPGATE_SHARE_DIR "/minikernel.elf",
                                                .command_line = "tasks=4 loops=20 hz=10000"}));
        (*machine)->set_console_sink([](std::string_view) {});
        return std::move(*machine);
    }
};

TEST_F(MinikernelBreakpoint, ChangesNoNumber) {
    const std::unique_ptr<Machine> plain = boot();
    const StopEvent plain_end = plain->run({});
    ASSERT_EQ(plain_end.reason, StopReason::GuestExit);

    const std::unique_ptr<Machine> watched = boot();
    std::map<std::string, unsigned> stops;
    // Before the kernel has mapped itself; calls; the timer interrupt.
    for (const char* name :
         {"start_kernel", "do_sys_openat2", "vfs_read", "schedule", "scheduler_tick"}) {
        if (const Result<Symbol> symbol = watched->symbols().find(name)) {
            watched->add_breakpoint(symbol->address);
            stops[name] = 0;
        }
    }
    StopEvent end;
    while ((end = watched->run({})).reason == StopReason::Breakpoint) {
        const std::string where = watched->symbols().describe(end.rip);
        ++stops[where.substr(0, where.find('+'))];
    }
    EXPECT_EQ(end, plain_end);
    EXPECT_EQ(stops["start_kernel"], 1U);
    EXPECT_EQ(stops["do_sys_openat2"], 2U * 4 * 20 + 5);
    EXPECT_GT(stops["schedule"], 10U);
    EXPECT_GT(stops["scheduler_tick"], 10U);
    EXPECT_EQ(watched->counters(), plain->counters());
    EXPECT_EQ(watched->cpu().registers(), plain->cpu().registers());
}

// Slices end in front of breakpoints and of interrupts alike.
TEST_F(MinikernelBreakpoint, IsReportedEquallyOftenInSlices) {
    const auto count = [](std::uint64_t slice) {
        const std::unique_ptr<Machine> machine = boot();
        const GuestVa schedule = machine->symbols().find("schedule").value().address;
        const GuestVa tick = machine->symbols().find("scheduler_tick").value().address;
        machine->add_breakpoint(schedule);
        machine->add_breakpoint(tick);
        std::vector<std::uint64_t> stops;
        RunLimits limits;
        limits.max_instructions = slice;
        while (true) {
            const StopEvent stop = machine->run(limits);
            if (stop.reason == StopReason::Breakpoint) {
                EXPECT_EQ(machine->cpu().rip(), stop.rip);
                stops.push_back(machine->counters().instructions);
            } else if (stop.reason == StopReason::InsnLimit) {
                limits.max_instructions += slice;
            } else {
                EXPECT_EQ(stop.reason, StopReason::GuestExit);
                return stops;
            }
        }
    };
    const std::vector<std::uint64_t> whole = count(1ULL << 40);
    EXPECT_GT(whole.size(), 100U);
    EXPECT_EQ(count(997), whole);
    EXPECT_EQ(count(101), whole);
}

}  // namespace
}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
// Stepping equals running: where the host cuts a run shows in nothing that the guest could read,
// in no number, and in no byte of a saved state.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "emu/snapshot/machine_state.hpp"
#include "tests/emu/loader/linux_files.hpp"
#include "tests/emu/mode_guest.hpp"
#include "tests/emu/snapshot/machines.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Code = std::vector<std::uint8_t>;

constexpr std::uint64_t kFar = 1ULL << 40;

StopEvent run_to(Machine& machine, std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    return machine.run(limits);
}

/// Goes on to an instruction count, or to the guest's end; says how the last run ended.
using Walk = std::function<StopEvent(Machine&, std::uint64_t end)>;

/// In steps of 1 to `most` instructions.
Walk steps_of(std::uint64_t most) {
    return [most](Machine& machine, std::uint64_t end) {
        std::mt19937_64 chance(most);
        std::uint64_t at = machine.counters().instructions;
        StopEvent stop;
        stop.reason = StopReason::InsnLimit;
        while (at < end && stop.reason == StopReason::InsnLimit) {
            at = std::min(end, at + 1 + chance() % most);
            stop = run_to(machine, at);
        }
        return stop;
    };
}

/// From one breakpoint to the next.
Walk over_breakpoints(const std::vector<GuestVa>& addresses) {
    return [addresses](Machine& machine, std::uint64_t end) {
        for (const GuestVa va : addresses) {
            machine.add_breakpoint(va);
        }
        StopEvent stop;
        do {
            stop = run_to(machine, end);
        } while (stop.reason == StopReason::Breakpoint);
        for (const GuestVa va : addresses) {
            machine.remove_breakpoint(va);
        }
        return stop;
    };
}

/// With a snapshot now and then, to which it goes back after some steps into another future.
StopEvent there_and_back(Machine& machine, std::uint64_t end) {
    std::mt19937_64 chance(1);
    std::uint64_t at = machine.counters().instructions;
    while (true) {
        at = std::min(end, at + 1 + chance() % 50'000);
        const StopEvent stop = run_to(machine, at);
        if (at == end || stop.reason != StopReason::InsnLimit) {
            return stop;
        }
        const StatePtr state = machine.save();
        run_to(machine, at + chance() % 3'000);
        EXPECT_TRUE(machine.restore(*state, FutureInput::Repeat));
    }
}

// Every kind of control transfer, rounds of REP, faults, port accesses and time.
const Code& busy_code() {
    static const Code kCode = code_of({
        {0xb9, 0x90, 0x01, 0x00, 0x00},                 // mov ecx, 400
        {0x51},                                         // again: push rcx
        {0xf6, 0xc1, 0x01, 0x74, 0x03},                 // test cl, 1; jz +3
        {0x48, 0x01, 0xc8},                             // add rax, rcx
        {0xe8, 0x02, 0x00, 0x00, 0x00, 0xeb, 0x01},     // call +2; jmp +1
        {0xc3},                                         // ret
        {0xb9, 0x05, 0x00, 0x00, 0x00},                 // mov ecx, 5
        {0x48, 0x8d, 0x7c, 0x24, 0x80, 0xf3, 0xaa},     // lea rdi, [rsp - 128]; rep stosb
        {0x0f, 0x0b},                                   // ud2
        {0xcc, 0xcd, 0x40},                             // int3; int 0x40
        {0x48, 0xa1, 0, 0x50, 0x34, 0x12, 0, 0, 0, 0},  // mov rax, [not mapped]
        {0xe4, 0x61, 0x0f, 0x31},                       // in al, 0x61; rdtsc
        {0x59, 0xff, 0xc9, 0x75, 0xcb},                 // pop rcx; dec ecx; jnz again
        kExit,
    });
    return kCode;
}
constexpr std::uint64_t kTransfersEachRound = 1 + 3 + 2 + 4 + 1;  // jz; call, ret, jmp; INTs;
                                                                  // IRETs; jnz
constexpr std::size_t kUd2At = 34;

std::unique_ptr<ModeGuest> busy_guest() {
    auto guest = std::make_unique<ModeGuest>(Mode::Kernel, busy_code());
    const Code behind_two{0x48, 0x83, 0x04, 0x24, 0x02, 0x48, 0xcf};  // add qword [rsp], 2; iretq
    const Code behind_ten{0x48, 0x83, 0xc4, 0x08,                     // add rsp, 8
                          0x48, 0x83, 0x04, 0x24, 0x0a, 0x48, 0xcf};  // add qword [rsp], 10; iretq
    guest->handle(3, {0x48, 0xcf});
    guest->handle(6, behind_two);
    guest->handle(14, behind_ten);
    guest->handle(0x40, {0x48, 0xcf});
    return guest;
}

TEST(Blocks, AreRetiredControlTransfers) {
    const auto guest = busy_guest();
    EXPECT_EQ(guest->run(kFar).reason, StopReason::GuestExit);
    EXPECT_EQ(guest->machine->counters().blocks, 400 * kTransfersEachRound);
    EXPECT_EQ(guest->counted(6), 400U);
    EXPECT_EQ(guest->counted(14), 400U);
}

// A jump that faults has not been taken, and neither has a call that cannot push.
TEST(Blocks, LeaveOutTransfersThatFault) {
    // mov rsp, rax; call +0
    ModeGuest call(Mode::Kernel, {0x48, 0x89, 0xc4, 0xe8, 0, 0, 0, 0});
    call.handle(14, kExit, {.ist = 1});
    call.machine->cpu().set_gpr(Gpr::Rax, ModeGuest::kNowhere.value);
    EXPECT_EQ(call.run().reason, StopReason::GuestExit);
    EXPECT_EQ(call.machine->counters().blocks, 0U);
    // jmp [rax]
    ModeGuest jump(Mode::User, {0xff, 0x20});
    jump.handle(14, kExit);
    jump.machine->cpu().set_gpr(Gpr::Rax, ModeGuest::kNowhere.value);
    EXPECT_EQ(jump.run().reason, StopReason::GuestExit);
    EXPECT_EQ(jump.machine->counters().blocks, 0U);
    // jmp rax: it is the next instruction that cannot be fetched.
    ModeGuest landed(Mode::User, {0xff, 0xe0});
    landed.handle(14, kExit);
    landed.machine->cpu().set_gpr(Gpr::Rax, ModeGuest::kNowhere.value);
    EXPECT_EQ(landed.run().reason, StopReason::GuestExit);
    EXPECT_EQ(landed.machine->counters().blocks, 1U);
}

// More blocks than there is room for translations: all are thrown away now and then.
TEST(Blocks, AreCountedWhenTranslationsDoNotFit) {
    constexpr std::uint64_t kJumps = 500'000;
    constexpr std::uint64_t kRounds = 2;
    const GuestVa start = kBareDirectMap + 0x20'0000;
    Code code;
    for (std::uint64_t i = 0; i < kJumps; ++i) {
        code.insert(code.end(), {0xeb, 0x00});  // jmp +0
    }
    const auto back = -static_cast<std::int32_t>(code.size() + 8);
    code.insert(code.end(), {0xff, 0xc9, 0x0f, 0x85});  // dec ecx; jnz start
    for (unsigned i = 0; i < 4; ++i) {
        code.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(back) >> (8 * i)));
    }
    code.insert(code.end(), kExit.begin(), kExit.end());
    BareGuest guest({});
    guest.put(start, code);
    guest.machine->cpu().set_rip(start);
    guest.machine->cpu().set_gpr(Gpr::Rcx, kRounds);
    EXPECT_EQ(guest.run(kFar).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.machine->counters().blocks, kRounds * (kJumps + 1));
    EXPECT_EQ(guest.machine->counters().instructions, kRounds * (kJumps + 2) + 2);
}

TEST(Blocks, DoNotShowAFreeTrap) {
    const auto plain = busy_guest();
    plain->run(kFar);
    const auto trapped = busy_guest();
    const GuestVa at = BareGuest::kCode + kUd2At;
    const auto once = [at](Machine& machine) { machine.unplant(at); };
    ASSERT_TRUE(trapped->machine->plant(at, once, TrapCost::Free));
    trapped->run(kFar);
    EXPECT_EQ(trapped->machine->counters(), plain->machine->counters());
}

TEST(SteppingEqualsRunning, ThroughEveryKindOfTransferAndFault) {
    const auto plain = busy_guest();
    EXPECT_EQ(plain->run(kFar).reason, StopReason::GuestExit);
    std::vector<GuestVa> everywhere;
    for (std::uint64_t i = 0; i < busy_code().size(); ++i) {
        everywhere.push_back(BareGuest::kCode + i);
    }
    for (const Walk& walk : {steps_of(1), steps_of(2), steps_of(7), over_breakpoints(everywhere),
                             over_breakpoints({BareGuest::kCode + kUd2At})}) {
        const auto guest = busy_guest();
        EXPECT_EQ(walk(*guest->machine, kFar).reason, StopReason::GuestExit);
        EXPECT_EQ(portrait(*guest->machine), portrait(*plain->machine));
        EXPECT_TRUE(alike(*guest->machine, *plain->machine));
    }
}

struct Stretch {
    const char* name;
    std::uint64_t from;
    std::uint64_t instructions;
    std::uint64_t steps;  ///< Of how many instructions at most.
};

std::string name_of(const testing::TestParamInfo<Stretch>& stretch) { return stretch.param.name; }
std::ostream& operator<<(std::ostream& to, const Stretch& stretch) { return to << stretch.name; }

class MinikernelStretch : public testing::TestWithParam<Stretch> {
protected:
    static constexpr const char* kWork = "tasks=4 loops=20 hz=10000";
};

TEST_P(MinikernelStretch, SteppingEqualsRunning) {
    const Stretch& stretch = GetParam();
    const std::uint64_t end = stretch.from + stretch.instructions;
    MiniGuest runs(kWork);
    ASSERT_EQ(runs.run_to(stretch.from).reason, StopReason::InsnLimit);
    const StatePtr start = runs.machine->save();
    const std::size_t said = runs.console.size();
    ASSERT_EQ(runs.run_to(end).reason, StopReason::InsnLimit);
    MiniGuest steps(kWork);
    ASSERT_TRUE(steps.machine->restore(*start));
    EXPECT_EQ(steps_of(stretch.steps)(*steps.machine, end).reason, StopReason::InsnLimit);
    EXPECT_EQ(steps.machine->counters().instructions, end);
    EXPECT_EQ(portrait(*steps.machine), portrait(*runs.machine));
    EXPECT_EQ(steps.console, runs.console.substr(said));
    EXPECT_TRUE(alike(*steps.machine, *runs.machine));
}

INSTANTIATE_TEST_SUITE_P(SteppingEqualsRunning, MinikernelStretch,
                         testing::Values(Stretch{"BootInSingleSteps", 0, 2'000'000, 1},
                                         Stretch{"WorkInSingleSteps", 5'000'000, 2'000'000, 1},
                                         Stretch{"BootInSmallSteps", 1'234, 2'000'000, 5},
                                         Stretch{"WorkInSmallSteps", 7'654'321, 2'000'000, 9},
                                         Stretch{"BootInSteps", 77, 3'000'000, 300},
                                         Stretch{"WorkInLongSteps", 3'000'000, 6'500'000, 20'000}),
                         name_of);

TEST(SteppingEqualsRunning, ToTheEndOfTheMinikernelHoweverItIsStopped) {
    constexpr const char* kWork = "tasks=3 loops=5 hz=10000";
    MiniGuest plain(kWork);
    const StopEvent end = plain.run_to(kFar);
    ASSERT_EQ(end.reason, StopReason::GuestExit);
    std::vector<GuestVa> functions;
    for (const char* name :
         {"start_kernel", "do_sys_openat2", "vfs_read", "schedule", "scheduler_tick"}) {
        if (const Result<Symbol> symbol = plain.machine->symbols().find(name)) {
            functions.push_back(symbol->address);
        }
    }
    ASSERT_GE(functions.size(), 4U);
    for (const Walk& walk :
         {steps_of(50), steps_of(4'000), over_breakpoints(functions), Walk(&there_and_back)}) {
        MiniGuest guest(kWork);
        EXPECT_EQ(walk(*guest.machine, kFar), end);
        EXPECT_EQ(portrait(*guest.machine), portrait(*plain.machine));
        EXPECT_TRUE(alike(*guest.machine, *plain.machine));
    }
}

TEST(SteppingEqualsRunning, OnTwoCpus) {
    constexpr std::uint64_t kEnd = 1'000'000;
    MiniGuest runs("", 32U << 20, 2);
    MiniGuest steps("", 32U << 20, 2);
    runs.run_to(kEnd);
    steps_of(9)(*steps.machine, kEnd);
    EXPECT_EQ(portrait(*steps.machine), portrait(*runs.machine));
    EXPECT_TRUE(alike(*steps.machine, *runs.machine));
}

// From the middle of the kernel's start: paging, the timer and exceptions are at work there.
TEST(SteppingEqualsRunning, InDebiansKernel) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    constexpr std::uint64_t kFrom = 400'000'000;
    constexpr std::uint64_t kEnd = kFrom + 2'000'000;
    const auto boot = [&] {
        std::unique_ptr<Machine> machine = std::move(Machine::create({})).value();
        const Result<void> loaded = load_boot_image(
            *machine, {.kernel = kernel, .command_line = "console=ttyS0 panic=-1"});
        EXPECT_TRUE(loaded) << loaded.error().message();
        machine->set_console_sink([](std::string_view) {});
        return machine;
    };
    const std::unique_ptr<Machine> runs = boot();
    ASSERT_EQ(run_to(*runs, kFrom).reason, StopReason::InsnLimit);
    const StatePtr start = runs->save();
    ASSERT_EQ(run_to(*runs, kEnd).reason, StopReason::InsnLimit);
    const std::unique_ptr<Machine> steps = boot();
    for (const std::uint64_t most : {1U, 30U}) {
        ASSERT_TRUE(steps->restore(*start));
        EXPECT_EQ(steps_of(most)(*steps, kEnd).reason, StopReason::InsnLimit);
        EXPECT_EQ(portrait(*steps), portrait(*runs));
        EXPECT_TRUE(alike(*steps, *runs));
    }
}

}  // namespace
}  // namespace trapgate::emu

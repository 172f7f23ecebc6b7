// SPDX-License-Identifier: GPL-2.0-only
// The guest's debug registers and single-stepping, from kernel and user mode.
#include <cstring>

#include <gtest/gtest.h>

#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

constexpr GuestVa kData = kBareDirectMap + 0x9'0000;
constexpr std::uint64_t kBs = 1U << 14;
constexpr std::uint64_t kBd = 1U << 13;

Bytes load(std::uint8_t opcode, std::uint64_t value) {  // mov rax, value, then mov drN, rax
    Bytes code{0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f, 0x23, opcode};
    std::memcpy(code.data() + 2, &value, 8);
    return code;
}
Bytes set_dr(unsigned index, std::uint64_t value) {
    return load(static_cast<std::uint8_t>(0xc0 | (index << 3)), value);
}
/// DR7 for DR0 only: enabled locally, of this type and length code.
constexpr std::uint64_t dr7(unsigned type, unsigned length_code) {
    return 1 | (std::uint64_t{type} << 16) | (std::uint64_t{length_code} << 18);
}
/// R12 := DR6, then the end.
const Bytes kSaveDr6AndExit = code_of({{0x0f, 0x21, 0xf0, 0x49, 0x89, 0xc4}, kExit});
/// A handler of #DB that notes DR6 in R12 (or'ed), RIPs as a sum in R13, and counts in R14.
/// push rax; mov rax, dr6; or r12, rax; xor eax, eax; mov dr6, rax; pop rax; add r13, [rsp];
/// inc r14; iretq
const Bytes kCountAndReturn{0x50, 0x0f, 0x21, 0xf0, 0x49, 0x09, 0xc4, 0x31, 0xc0, 0x0f, 0x23,
                            0xf0, 0x58, 0x4c, 0x03, 0x2c, 0x24, 0x49, 0xff, 0xc6, 0x48, 0xcf};
const Bytes kUd2{0x0f, 0x0b};

struct Both : testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(DebugExceptions, Both, testing::Values(Mode::Kernel, Mode::User),
                         [](const auto& param) {
                             return param.param == Mode::Kernel ? "kernel" : "user";
                         });

TEST_P(Both, AnExecutionBreakpointFaultsInFrontOfItsInstruction) {
    // nop; inc rbx; inc rbx; ud2, with a breakpoint at the second inc
    ModeGuest guest(GetParam(), code_of({{0x90, 0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3}, kUd2}));
    const GuestVa at = BareGuest::kCode + 4;
    guest.run_kernel_code(code_of({set_dr(0, at.value), set_dr(7, dr7(0, 0)), kExit}));
    guest.handle(1, kSaveDr6AndExit);
    const std::uint64_t before = guest.machine->counters().instructions;
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    const Frame frame = guest.frame(false);
    EXPECT_EQ(frame.rip, at.value);
    EXPECT_EQ(frame.rflags & cpu::rflags::kRf, 0U);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
    EXPECT_EQ(guest.gpr(Gpr::R12) & 0xf, 1U);
    EXPECT_EQ(guest.gpr(Gpr::R12) & kBs, 0U);
    EXPECT_EQ(guest.machine->counters().instructions - before, 2U + 4);
}

TEST_P(Both, RfLetsTheInstructionRunOnceAndNotTheNext) {
    // Breakpoints at two neighbours; the handler sets RF in the frame: or dword [rsp+16], 0x10000.
    ModeGuest guest(GetParam(), code_of({{0x90, 0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0x90}, kUd2}));
    guest.run_kernel_code(code_of({set_dr(0, BareGuest::kCode.value + 1),
                                   set_dr(1, BareGuest::kCode.value + 4), set_dr(7, 5), kExit}));
    guest.handle(1, code_of({{0x81, 0x4c, 0x24, 0x10, 0, 0, 1, 0}, kCountAndReturn}));
    guest.handle(6);
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R14), 2U);
    EXPECT_EQ(guest.gpr(Gpr::R13), 2 * BareGuest::kCode.value + 5);
    EXPECT_EQ(guest.gpr(Gpr::R12) & 0xf, 3U);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 2U);
}

TEST_P(Both, AFaultingInstructionDoesNotMeetItsBreakpointAgain) {
    // mov eax, [rsi] with a breakpoint: #DB (RF by the handler), #PF, and the restart by RF pushed.
    ModeGuest guest(GetParam(), code_of({{0x90, 0x8b, 0x06, 0x90}, kUd2}));
    guest.run_kernel_code(
        code_of({set_dr(0, BareGuest::kCode.value + 1), set_dr(7, dr7(0, 0)), kExit}));
    guest.machine->cpu().set_gpr(Gpr::Rsi, ModeGuest::kNowhere.value);
    guest.machine->cpu().set_gpr(Gpr::Rdi, kData.value);
    guest.handle(1, code_of({{0x81, 0x4c, 0x24, 0x10, 0, 0, 1, 0}, kCountAndReturn}));
    guest.handle(14, {0x48, 0x83, 0xc4, 0x08, 0x48, 0x89, 0xfe, 0x48, 0xcf});
    guest.handle(6);
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R14), 1U);
    EXPECT_EQ(guest.counted(14), 1U);
}

TEST_P(Both, DataBreakpointsTrapBehindTheAccess) {
    struct Case {
        Bytes code;
        unsigned type, length_code;
        std::uint64_t offset;  ///< Of DR0 from kData.
        bool hit;
    };
    const std::vector<Case> cases{
        {{0x88, 0x06}, 1, 0, 0, true},              // mov [rsi], al
        {{0x88, 0x06}, 3, 0, 0, true},              // ... read or write
        {{0x8a, 0x06}, 1, 0, 0, false},             // mov al, [rsi]: no write
        {{0x8a, 0x06}, 3, 0, 0, true},              //
        {{0x88, 0x06}, 1, 0, 1, false},             // the byte behind
        {{0x88, 0x46, 0x07}, 1, 2, 0, true},        // 8 bytes
        {{0x88, 0x46, 0x08}, 1, 2, 0, false},       //
        {{0x88, 0x46, 0x03}, 1, 3, 0, true},        // 4 bytes
        {{0x88, 0x46, 0x02}, 1, 3, 3, true},        // ... whose address is rounded down
        {{0x88, 0x46, 0x01}, 1, 1, 0, true},        // 2 bytes
        {{0x88, 0x46, 0x02}, 1, 1, 0, false},       //
        {{0x48, 0x89, 0x46, 0xfc}, 1, 0, 3, true},  // mov [rsi-4], rax: its last byte
        {{0xff, 0x06}, 1, 0, 2, true},              // inc dword [rsi]
        {{0x8b, 0x46, 0x01}, 3, 0, 0, false},       // mov eax, [rsi+1]: unaligned, beside it
    };
    for (const Case& test : cases) {
        ModeGuest guest(GetParam(), code_of({{0x90}, test.code, {0x48, 0xff, 0xc3}, kUd2}));
        guest.run_kernel_code(code_of({set_dr(0, kData.value + test.offset),
                                       set_dr(7, dr7(test.type, test.length_code)), kExit}));
        guest.machine->cpu().set_gpr(Gpr::Rsi, kData.value);
        guest.handle(1, kSaveDr6AndExit);
        guest.handle(6);
        const std::uint64_t before = guest.machine->counters().instructions;
        EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
        SCOPED_TRACE(&test - cases.data());
        EXPECT_EQ(guest.counted(1), test.hit ? 1U : 0U);
        if (test.hit) {
            const Frame frame = guest.frame(false);
            EXPECT_EQ(frame.rip, BareGuest::kCode.value + 1 + test.code.size());
            EXPECT_EQ(frame.rflags & cpu::rflags::kRf, 0U);
            EXPECT_EQ(guest.gpr(Gpr::R12) & 0xf, 1U);
            EXPECT_EQ(guest.gpr(Gpr::Rbx), 0U);
            EXPECT_EQ(guest.machine->counters().instructions - before, 2U + 4);
        }
    }
}

TEST_P(Both, SingleStepTrapsBehindEachInstruction) {
    // nop; inc rbx; mov ecx, 3; rep stosb; pushfq; popfq; ud2: one trap each, one an iteration.
    ModeGuest guest(
        GetParam(),
        code_of({{0x90, 0x48, 0xff, 0xc3, 0xb9, 3, 0, 0, 0, 0xf3, 0xaa, 0x9c, 0x9d}, kUd2}));
    guest.machine->cpu().set_gpr(Gpr::Rdi, kData.value);
    guest.handle(1, kCountAndReturn);
    guest.handle(6);
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kTf; });
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R14), 3U + 3 + 2);
    EXPECT_EQ(guest.gpr(Gpr::R12) & (kBs | 0xf), kBs);
    // Behind nop, inc, mov; at the rep twice, behind it; behind pushfq and popfq.
    EXPECT_EQ(guest.gpr(Gpr::R13), 8 * BareGuest::kCode.value + 1 + 4 + 9 + 9 + 9 + 11 + 12 + 13);
    EXPECT_EQ(guest.machine->counters().instructions, 3U + 1 + 2 + 8 * 9 + 2);
}

TEST_P(Both, PopfStartsSteppingBehindTheNextInstruction) {
    // pushfq; or qword [rsp], 0x100; popfq; nop; nop
    ModeGuest guest(GetParam(), {0x9c, 0x48, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0x90, 0x90});
    guest.handle(1, kSaveDr6AndExit);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 11);
    EXPECT_EQ(guest.gpr(Gpr::R12) & kBs, kBs);
    EXPECT_EQ(guest.machine->cpu().rflags() & cpu::rflags::kTf, 0U);
}

TEST_P(Both, IntNClearsTfAndIretBringsItBack) {
    // TF on: int 0x80 (its handler: iretq), nop. Traps: behind the nop that follows the int.
    ModeGuest guest(GetParam(), {0xcd, 0x80, 0x90, 0x90});
    guest.handle(0x80, {0x90, 0x90, 0x48, 0xcf});
    guest.handle(1, kSaveDr6AndExit);
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kTf; });
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 3);
    EXPECT_EQ(guest.counted(1), 1U);
}

// Ports, with CR4.DE: a trap behind the access. Users need IOPL 3.
TEST_P(Both, PortBreakpointsTrapBehindTheAccess) {
    constexpr std::uint64_t kDe = 8, kIopl3 = 0x3000;
    struct Access {
        const char* name;
        Bytes code;
        std::uint64_t port;
        unsigned length_code;
        bool hit;
    };
    const Bytes mov_dx{0x66, 0xba, 0x80, 0x00};  // mov dx, 0x80
    for (const Access& access :
         {Access{"out imm8", {0xe6, 0x80}, 0x80, 0, true},
          Access{"in imm8", {0xe4, 0x80}, 0x80, 0, true},
          Access{"out dx", code_of({mov_dx, {0xee}}), 0x80, 0, true},
          Access{"in eax, dx", code_of({mov_dx, {0xed}}), 0x83, 0, true},
          Access{"of a wider range", {0xe4, 0x83}, 0x80, 3, true},
          Access{"another port", {0xe6, 0x81}, 0x80, 0, false},
          Access{"behind a range", {0xe6, 0x82}, 0x80, 1, false},
          Access{"rep outsb", code_of({mov_dx, {0xf3, 0x6e}}), 0x80, 0, true}}) {
        SCOPED_TRACE(access.name);
        ModeGuest guest(GetParam(), code_of({{0x90}, access.code, {0x48, 0xff, 0xc3}, kUd2}));
        guest.run_kernel_code(
            code_of({set_dr(0, access.port), set_dr(7, dr7(2, access.length_code)), kExit}));
        guest.change([](cpu::RegisterFile& registers) {
            registers.rflags |= kIopl3;
            registers.cr4 |= kDe;
        });
        guest.machine->cpu().set_gpr(Gpr::Rcx, 1);
        guest.machine->cpu().set_gpr(Gpr::Rsi, kData.value);
        guest.handle(1, kSaveDr6AndExit, {.ist = 1});
        guest.handle(6, kExit, {.ist = 1});
        const std::uint64_t before = guest.machine->counters().instructions;
        EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
        EXPECT_EQ(guest.counted(1), access.hit ? 1U : 0U);
        if (access.hit) {
            const std::uint64_t setup = access.code.size() > 4 ? 1 : 0;  // mov dx
            EXPECT_EQ(guest.frame(false).rip, (BareGuest::kCode + 1).value + access.code.size());
            EXPECT_EQ(guest.gpr(Gpr::R12) & 0xf, 1U);
            EXPECT_EQ(guest.gpr(Gpr::Rbx), 0U);
            EXPECT_EQ(guest.machine->counters().instructions - before, setup + 2U + 4);
        }
    }
}

TEST_P(Both, Int1TrapsAndLeavesDr6) {
    ModeGuest guest(GetParam(), {0x90, 0xf1, 0x90});
    guest.handle(1, kSaveDr6AndExit, {.dpl = 0});  // No privilege is checked.
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 2);
    EXPECT_EQ(guest.gpr(Gpr::R12) & (kBs | kBd | 0xf), 0U);
    EXPECT_EQ(guest.machine->counters().instructions, 2U + 4);
}

TEST(DebugExceptions, SyscallIsSteppedIntoUnlessTheMaskClearsTf) {
    for (const bool masked : {false, true}) {
        ModeGuest guest(Mode::User, {0x0f, 0x05, 0x90});
        const GuestVa entry = BareGuest::kHandlers + 0x4000;
        guest.put(entry, code_of({{0x90, 0x90}, kExit}));
        guest.machine->cpu().set_msr(0xc000'0081, (0x0023ULL << 48) | (0x0010ULL << 32));
        guest.machine->cpu().set_msr(0xc000'0082, entry.value);
        guest.machine->cpu().set_msr(0xc000'0084, masked ? cpu::rflags::kTf : 0);
        guest.handle(1, kSaveDr6AndExit, {.ist = 1});
        guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kTf; });
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.counted(1), masked ? 0U : 1U);
        if (!masked) {
            EXPECT_EQ(guest.frame(false).rip, entry.value);
            EXPECT_EQ(guest.frame(false).cs, ModeGuest::kKernelCode);
        }
    }
}

TEST(DebugExceptions, AStackSwitchIsNotInterruptedByAStep) {
    // mov ss, eax; mov rsp, rcx; nop: the first trap comes behind the second.
    ModeGuest guest(Mode::Kernel, {0x8e, 0xd0, 0x48, 0x89, 0xcc, 0x90});
    guest.machine->cpu().set_gpr(Gpr::Rax, ModeGuest::kKernelData);
    guest.machine->cpu().set_gpr(Gpr::Rcx, BareGuest::kStack.value - 0x100);
    guest.handle(1, kSaveDr6AndExit);
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kTf; });
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 5);
}

TEST(DebugExceptions, ADataBreakpointAtMovSsWaitsForTheNextInstruction) {
    // mov ss, [rsi]; inc rbx; nop
    ModeGuest guest(Mode::Kernel, {0x8e, 0x16, 0x48, 0xff, 0xc3, 0x90});
    guest.put(kData, {ModeGuest::kKernelData, 0});
    guest.run_kernel_code(code_of({set_dr(0, kData.value), set_dr(7, dr7(3, 1)), kExit}));
    guest.machine->cpu().set_gpr(Gpr::Rsi, kData.value);
    guest.handle(1, kSaveDr6AndExit);
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 5);
    EXPECT_EQ(guest.gpr(Gpr::R12) & 0xf, 1U);
}

TEST(DebugExceptions, ADataBreakpointAndAStepAreOneException) {
    ModeGuest guest(Mode::Kernel, {0x88, 0x06, 0x90});
    guest.run_kernel_code(code_of({set_dr(0, kData.value), set_dr(7, dr7(1, 0)), kExit}));
    guest.machine->cpu().set_gpr(Gpr::Rsi, kData.value);
    guest.handle(1, kSaveDr6AndExit);
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kTf; });
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R12) & (kBs | 0xf), kBs | 1);
    EXPECT_EQ(guest.counted(1), 1U);
}

TEST(DebugExceptions, GeneralDetectFaultsInFrontOfAnAccess) {
    // mov rax, dr0 with DR7.GD: #DB, BD, and GD is clear in the handler.
    ModeGuest guest(Mode::Kernel, {0x90, 0x0f, 0x21, 0xc0});
    guest.run_kernel_code(code_of({set_dr(7, 1U << 13), kExit}));
    guest.handle(1, kSaveDr6AndExit);
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 1);
    EXPECT_EQ(guest.gpr(Gpr::R12) & kBd, kBd);
    EXPECT_EQ(guest.counted(1), 1U);
}

TEST(DebugExceptions, ValuesThatDoNotFitFault) {
    for (const unsigned index : {6U, 7U}) {
        ModeGuest guest(Mode::Kernel, set_dr(index, 1ULL << 32));
        guest.handle(13);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.frame(true).rip, BareGuest::kCode.value + 10);
        EXPECT_EQ(guest.frame(true).error_code, 0U);
    }
    // DR4 and DR5 are DR6 and DR7 unless CR4.DE.
    ModeGuest alias(Mode::Kernel, code_of({{0x0f, 0x21, 0xe0, 0x49, 0x89, 0xc4}, kExit}));
    EXPECT_EQ(alias.run().reason, StopReason::GuestExit);
    EXPECT_EQ(alias.gpr(Gpr::R12), 0xffff'0ff0U);
    ModeGuest extended(Mode::Kernel, {0x90, 0x0f, 0x21, 0xe0});
    extended.change([](cpu::RegisterFile& registers) { registers.cr4 |= 8; });
    extended.handle(6);
    EXPECT_EQ(extended.run().reason, StopReason::GuestExit);
    EXPECT_EQ(extended.frame(false).rip, BareGuest::kCode.value + 1);
}

TEST(DebugExceptions, AFaultOnTheWayToAGuestsBreakpointLeavesTheHostsTrapsWorking) {
    ModeGuest guest(Mode::Kernel, code_of({{0x90, 0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3}, kExit}));
    guest.run_kernel_code(
        code_of({set_dr(0, BareGuest::kCode.value + 4), set_dr(7, dr7(0, 0)), kExit}));
    guest.handle(1, code_of({{0x81, 0x4c, 0x24, 0x10, 0, 0, 1, 0}, kCountAndReturn}));
    int hits = 0;
    const GuestVa at = BareGuest::kCode + 1;
    ASSERT_TRUE(guest.machine->plant(at, [&](Machine& machine) {
        ++hits;
        machine.cpu().set_gpr(Gpr::Rbx, machine.cpu().gpr(Gpr::Rbx) + 1);
        machine.cpu().set_rip(at + 3);
    }));
    EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
    EXPECT_EQ(hits, 1);
    EXPECT_EQ(guest.gpr(Gpr::R14), 1U);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 2U);
}

}  // namespace
}  // namespace trapgate::emu

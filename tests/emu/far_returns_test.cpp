// SPDX-License-Identifier: GPL-2.0-only
// Ways into the kernel and back that the CPU refuses, or takes with other flags: SYSRET, SYSENTER,
// SYSEXIT, IRET, far RET, and jumps to where no code can be (Intel SDM vol. 2).
#include <cstring>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kNonCanonical = 0x0000'8000'0000'0000;
constexpr GuestVa kUserStack = kBareDirectMap + 0x7'0000;
constexpr GuestVa kLanding = BareGuest::kHandlers + 0x6000;
const Bytes kUd2{0x0f, 0x0b};

constexpr std::uint16_t kDataAsCode = ModeGuest::kUserData;
constexpr std::uint16_t kAbsentUserCode = 0x63, kBothSizes = 0x6b, kReadOnlyData = 0x73;

/// With the descriptors above, and a place for user code to land.
ModeGuest guest_with(Mode mode, const Bytes& code) {
    ModeGuest guest(mode, code);
    guest.set_descriptor(kAbsentUserCode, 0x00af'7b00'0000'ffff);
    guest.set_descriptor(kBothSizes, 0x00ef'fb00'0000'ffff);     // L and D
    guest.set_descriptor(kReadOnlyData, 0x00cf'f100'0000'ffff);  // not writable
    guest.put(kLanding, kUd2);
    return guest;
}

struct Return {
    const char* name;
    Mode mode;
    std::uint64_t rip, cs, rflags, rsp, ss;
    std::uint8_t vector;  ///< 6: it succeeds, and UD2 is there.
    std::uint64_t error_code = 0;
};
std::ostream& operator<<(std::ostream& to, const Return& value) { return to << value.name; }

constexpr std::uint64_t kThere = kLanding.value, kStack = kUserStack.value;
constexpr std::uint16_t kUcs = ModeGuest::kUserCode, kUss = ModeGuest::kUserData;
constexpr std::uint16_t kKcs = ModeGuest::kKernelCode, kKss = ModeGuest::kKernelData;

class InterruptReturn : public testing::TestWithParam<Return> {};

TEST_P(InterruptReturn, IsTakenOrFaultsWhereItStands) {
    const Return& to = GetParam();
    ModeGuest guest = guest_with(to.mode, {0x90, 0x48, 0xcf});  // nop; iretq
    const GuestVa frame = BareGuest::kStack - 0x100;
    const std::array<std::uint64_t, 5> words{to.rip, to.cs, to.rflags, to.rsp, to.ss};
    ASSERT_TRUE(guest.machine->write(frame, std::as_bytes(std::span(words))));
    guest.machine->cpu().set_gpr(Gpr::Rsp, frame.value);
    for (const std::uint8_t vector :
         {std::uint8_t{6}, std::uint8_t{11}, std::uint8_t{12}, std::uint8_t{13}}) {
        guest.handle(vector, kExit, {.ist = 1});
    }
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    ASSERT_EQ(guest.counted(to.vector), 1U) << guest.machine->cpu().rip().value;
    if (to.vector == 6) {
        EXPECT_EQ(guest.frame(false).rip, to.rip);
        EXPECT_EQ(guest.frame(false).cs, to.cs);
        EXPECT_EQ(guest.frame(false).ss, to.ss);
        EXPECT_EQ(guest.frame(false).rsp, to.rsp);
        return;
    }
    const bool user = to.mode == Mode::User;
    EXPECT_EQ(guest.frame(true).error_code, to.error_code);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 1).value);
    EXPECT_EQ(guest.frame(true).cs, user ? kUcs : kKcs);
    EXPECT_EQ(guest.frame(true).rsp, frame.value);
    EXPECT_EQ(guest.machine->counters().instructions, 1U + 2);
}

INSTANTIATE_TEST_SUITE_P(
    Returns, InterruptReturn,
    testing::Values(
        Return{"KernelToKernel", Mode::Kernel, kThere, kKcs, 2, kStack, kKss, 6},
        Return{"KernelToUser", Mode::Kernel, kThere, kUcs, 2, kStack, kUss, 6},
        Return{"UserToUser", Mode::User, kThere, kUcs, 2, kStack, kUss, 6},
        Return{"KernelKeepsANullStack", Mode::Kernel, kThere, kKcs, 2, kStack, 0, 6},
        Return{"RspIsNotLookedAt", Mode::Kernel, kThere, kUcs, 2, kNonCanonical, kUss, 6},
        Return{"RipToKernel", Mode::Kernel, kNonCanonical, kKcs, 2, kStack, kKss, 13},
        Return{"RipToUser", Mode::Kernel, kNonCanonical, kUcs, 2, kStack, kUss, 13},
        Return{"RipFromUser", Mode::User, kNonCanonical, kUcs, 2, kStack, kUss, 13},
        Return{"NullCs", Mode::Kernel, kThere, 0, 2, kStack, kUss, 13, 0},
        Return{"CsIsData", Mode::Kernel, kThere, kDataAsCode, 2, kStack, kUss, 13,
               kDataAsCode & ~3U},
        Return{"CsOutsideTheTable", Mode::Kernel, kThere, 0x303, 2, kStack, kUss, 13, 0x300},
        Return{"CsIsInner", Mode::User, kThere, kKcs, 2, kStack, kKss, 13, kKcs},
        Return{"CsIsAbsent", Mode::Kernel, kThere, kAbsentUserCode, 2, kStack, kUss, 11,
               kAbsentUserCode & ~3U},
        Return{"CsHasBothSizes", Mode::Kernel, kThere, kBothSizes, 2, kStack, kUss, 13,
               kBothSizes & ~3U},
        Return{"NullSsForUsers", Mode::Kernel, kThere, kUcs, 2, kStack, 0, 13, 0},
        Return{"SsOfAnotherLevel", Mode::Kernel, kThere, kUcs, 2, kStack, kKss, 13, kKss},
        Return{"SsIsCode", Mode::Kernel, kThere, kUcs, 2, kStack, kUcs, 13, kUcs & ~3U},
        Return{"SsIsReadOnly", Mode::Kernel, kThere, kUcs, 2, kStack, kReadOnlyData, 13,
               kReadOnlyData & ~3U},
        Return{"SsIsAbsent", Mode::Kernel, kThere, kUcs, 2, kStack, ModeGuest::kAbsentUserData, 12,
               ModeGuest::kAbsentUserData & ~3U}),
    [](const auto& value) { return std::string(value.param.name); });

TEST(FarReturns, ANestedTaskCannotReturnInLongMode) {
    ModeGuest guest(Mode::Kernel, {0x48, 0xcf});
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kNt; });
    guest.handle(13);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(true).rip, BareGuest::kCode.value);
}

TEST(FarReturns, AFarRetToANonCanonicalAddressFaultsWhereItStands) {
    // push cs (as a number); push rsi; lretq -- the operands stay on the stack
    ModeGuest guest(Mode::Kernel, {0x6a, kKcs, 0x56, 0x48, 0xcb});
    guest.machine->cpu().set_gpr(Gpr::Rsi, kNonCanonical);
    guest.handle(13);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 3).value);
    EXPECT_EQ(guest.frame(true).rsp, BareGuest::kStack.value - 16);
}

class SystemCallGuest : public ModeGuest {
public:
    SystemCallGuest(Mode mode, const Bytes& code) : ModeGuest(mode, code) {
        machine->cpu().set_msr(0xc000'0081, (0x0023ULL << 48) | (0x0010ULL << 32));
        machine->cpu().set_msr(0x174, kKernelCode);
        machine->cpu().set_msr(0x175, kRsp0.value);
        machine->cpu().set_msr(0x176, kLanding.value);
        put(kLanding, kUd2);
        handle(6, kExit, {.ist = 1});
        handle(13, kExit, {.ist = 1});
    }
};

TEST(FarReturns, SysretToANonCanonicalAddressFaultsInTheKernel) {
    SystemCallGuest guest(Mode::Kernel, {0x90, 0x48, 0x0f, 0x07});
    guest.machine->cpu().set_gpr(Gpr::Rcx, kNonCanonical);
    guest.machine->cpu().set_gpr(Gpr::R11, 0x202);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(13), 1U);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 1).value);
    EXPECT_EQ(guest.frame(true).cs, kKcs);
    EXPECT_EQ(guest.frame(true).error_code, 0U);
}

TEST(FarReturns, Sysret32TakesTheLowHalfOfTheAddress) {
    // sysretl to compatibility mode: the high half of RCX is not looked at.
    SystemCallGuest guest(Mode::Kernel, {0x0f, 0x07});
    guest.handle(14, kExit, {.ist = 1});
    guest.machine->cpu().set_gpr(Gpr::Rcx, 0x8000'0000'0000'1234);
    guest.machine->cpu().set_gpr(Gpr::R11, 2);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(14), 1U);
    EXPECT_EQ(guest.frame(true).rip, 0x1234U);
    EXPECT_EQ(guest.frame(true).cs, ModeGuest::kUserCode32);
}

TEST(FarReturns, SysretLoadsNeitherRfNorVm) {
    SystemCallGuest guest(Mode::Kernel, {0x48, 0x0f, 0x07});
    guest.machine->cpu().set_gpr(Gpr::Rcx, kLanding.value);
    guest.machine->cpu().set_gpr(Gpr::R11, cpu::rflags::kRf | cpu::rflags::kVm | cpu::rflags::kCf);
    // int3 pushes RF as it is; a fault sets it.
    guest.put(kLanding, {0xcc});
    guest.handle(3, kExit, {.ist = 1});
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, kLanding.value + 1);
    EXPECT_EQ(guest.frame(false).rflags, cpu::rflags::kCf | cpu::rflags::kFixed);
}

TEST(FarReturns, SysretDoesNotPassAnExecutionBreakpoint) {
    // mov rax, landing; mov dr0, rax; mov eax, 1; mov dr7, rax; then SYSRET with RF in R11
    Bytes code{0x48, 0xb8, 0, 0, 0, 0, 0,    0,    0,    0,    0x0f, 0x23,
               0xc0, 0xb8, 1, 0, 0, 0, 0x0f, 0x23, 0xf8, 0x48, 0x0f, 0x07};
    std::memcpy(code.data() + 2, &kThere, 8);
    SystemCallGuest guest(Mode::Kernel, code);
    guest.machine->cpu().set_gpr(Gpr::Rcx, kLanding.value);
    guest.machine->cpu().set_gpr(Gpr::R11, cpu::rflags::kRf);
    guest.handle(1, kExit, {.ist = 1});
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(1), 1U);
    EXPECT_EQ(guest.frame(false).rip, kLanding.value);
    EXPECT_EQ(guest.frame(false).cs, kUcs);
}

TEST(FarReturns, SystemReturnsAreTheKernels) {
    for (const Bytes& code : {Bytes{0x48, 0x0f, 0x07}, Bytes{0x48, 0x0f, 0x35}}) {
        SystemCallGuest guest(Mode::User, code);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.counted(13), 1U);
        EXPECT_EQ(guest.frame(true).rip, BareGuest::kCode.value);
    }
}

TEST(FarReturns, SysenterEntersTheKernel) {
    SystemCallGuest guest(Mode::User, {0x0f, 0x34});
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kIf; });
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(6), 1U);
    EXPECT_EQ(guest.frame(false).rip, kLanding.value);
    EXPECT_EQ(guest.frame(false).cs, kKcs);
    EXPECT_EQ(guest.frame(false).ss, kKss);
    EXPECT_EQ(guest.frame(false).rsp, ModeGuest::kRsp0.value);
    EXPECT_EQ(guest.frame(false).rflags & cpu::rflags::kIf, 0U);
    EXPECT_EQ(guest.machine->counters().instructions, 1U + 2);
}

TEST(FarReturns, SysenterWithoutASegmentFaults) {
    SystemCallGuest guest(Mode::User, {0x90, 0x0f, 0x34});
    guest.machine->cpu().set_msr(0x174, 3);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(13), 1U);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 1).value);
    EXPECT_EQ(guest.frame(true).cs, kUcs);
}

TEST(FarReturns, SysexitLeavesTheKernel) {
    SystemCallGuest guest(Mode::Kernel, {0x48, 0x0f, 0x35});
    guest.machine->cpu().set_gpr(Gpr::Rdx, kLanding.value);
    guest.machine->cpu().set_gpr(Gpr::Rcx, kUserStack.value);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(6), 1U);
    EXPECT_EQ(guest.frame(false).rip, kLanding.value);
    EXPECT_EQ(guest.frame(false).cs, kUcs);
    EXPECT_EQ(guest.frame(false).ss, 0x3bU);
    EXPECT_EQ(guest.frame(false).rsp, kUserStack.value);
}

TEST(FarReturns, SysexitToANonCanonicalPlaceFaultsInTheKernel) {
    for (const Gpr bad : {Gpr::Rcx, Gpr::Rdx}) {
        SystemCallGuest guest(Mode::Kernel, {0x90, 0x48, 0x0f, 0x35});
        guest.machine->cpu().set_gpr(bad, kNonCanonical);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.counted(13), 1U);
        EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 1).value);
    }
}

}  // namespace
}  // namespace trapgate::emu

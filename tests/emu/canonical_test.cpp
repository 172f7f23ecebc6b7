// SPDX-License-Identifier: GPL-2.0-only
// Addresses that are not canonical (Intel SDM vol. 1, 3.3.7.1): #SS(0) through SS, #GP(0)
// otherwise, and in front of a jump that would go there.
#include <cstring>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kNonCanonical = 0x0000'8000'0000'1000;
constexpr std::uint8_t kSs = 12, kGp = 13;

/// An instruction that accesses memory with RSP, RBP or RSI not canonical.
struct Access {
    const char* name;
    Bytes code;
    Gpr bad;
    std::uint8_t vector;
};
void PrintTo(const Access& access, std::ostream* to) { *to << access.name; }

class NonCanonicalAccess : public testing::TestWithParam<std::tuple<Mode, Access>> {};

TEST_P(NonCanonicalAccess, FaultsByItsSegment) {
    const auto& [mode, access] = GetParam();
    ModeGuest guest(mode, code_of({{0x90}, access.code, {0x0f, 0x0b}}));
    guest.machine->cpu().set_gpr(Gpr::Rcx, 1);
    guest.machine->cpu().set_gpr(access.bad, kNonCanonical);
    guest.handle(kSs, kExit, {.ist = 1});
    guest.handle(kGp, kExit, {.ist = 1});
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    ASSERT_EQ(guest.counted(access.vector), 1U);
    EXPECT_EQ(guest.counted(kSs) + guest.counted(kGp), 1U);
    EXPECT_EQ(guest.frame(true).error_code, 0U);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 1).value);
    EXPECT_EQ(guest.frame(true).rflags & cpu::rflags::kRf, cpu::rflags::kRf);
    if (access.bad == Gpr::Rsp) {
        EXPECT_EQ(guest.frame(true).rsp, kNonCanonical);
    }
    EXPECT_EQ(guest.machine->counters().instructions, 1U + 2);
}

INSTANTIATE_TEST_SUITE_P(
    Accesses, NonCanonicalAccess,
    testing::Combine(
        testing::Values(Mode::Kernel, Mode::User),
        testing::Values(
            Access{"Push", {0x50}, Gpr::Rsp, kSs},
            Access{"PushMemory", {0xff, 0x36}, Gpr::Rsi, kGp}, Access{"Pop", {0x58}, Gpr::Rsp, kSs},
            Access{"PopMemory", {0x8f, 0x06}, Gpr::Rsi, kGp},
            Access{"Call", {0xe8, 0, 0, 0, 0}, Gpr::Rsp, kSs}, Access{"Ret", {0xc3}, Gpr::Rsp, kSs},
            Access{"Leave", {0xc9}, Gpr::Rbp, kSs}, Access{"Pushf", {0x9c}, Gpr::Rsp, kSs},
            Access{"Iret", {0x48, 0xcf}, Gpr::Rsp, kSs},
            Access{"LoadByRsp", {0x8b, 0x04, 0x24}, Gpr::Rsp, kSs},
            Access{"StoreByRbp", {0x89, 0x45, 0x10}, Gpr::Rbp, kSs},
            Access{"AddByRbp", {0x01, 0x45, 0x10}, Gpr::Rbp, kSs},
            Access{"SseByRsp", {0x0f, 0x10, 0x04, 0x24}, Gpr::Rsp, kSs},
            Access{"LoadByRspAndGs", {0x65, 0x8b, 0x04, 0x24}, Gpr::Rsp, kGp},
            Access{"LoadByRsi", {0x8b, 0x06}, Gpr::Rsi, kGp},
            Access{"StoreByRsi", {0x89, 0x06}, Gpr::Rsi, kGp},
            Access{"Lods", {0xad}, Gpr::Rsi, kGp}, Access{"RepMovs", {0xf3, 0xa4}, Gpr::Rsi, kGp})),
    [](const auto& value) {
        const bool user = std::get<Mode>(value.param) == Mode::User;
        return std::string(std::get<Access>(value.param).name) + (user ? "User" : "Kernel");
    });

TEST(NonCanonical, AHandlersStackIsAStackFaultToo) {
    // #UD in the kernel with RSP not canonical: #SS on the way, which is not #UD's own and so no
    // #DF.
    ModeGuest guest(Mode::Kernel, {0x0f, 0x0b});
    guest.machine->cpu().set_gpr(Gpr::Rsp, kNonCanonical);
    guest.handle(6);
    guest.handle(kSs, kExit, {.ist = 1});
    guest.handle(kGp, kExit, {.ist = 1});
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(kSs), 1U);
    EXPECT_EQ(guest.frame(true).error_code, 1U);  // EXT
    EXPECT_EQ(guest.frame(true).rip, BareGuest::kCode.value);
}

struct Jump {
    const char* name;
    Bytes code;  ///< To RSI, or to what is at the stack's top.
};
void PrintTo(const Jump& jump, std::ostream* to) { *to << jump.name; }

class NonCanonicalJump : public testing::TestWithParam<std::tuple<Mode, Jump>> {};

TEST_P(NonCanonicalJump, FaultsWhereItStands) {
    const auto& [mode, jump] = GetParam();
    ModeGuest guest(mode, code_of({{0x90, 0xff, 0xc3}, jump.code}));  // nop; inc ebx
    guest.machine->cpu().set_gpr(Gpr::Rsi, kNonCanonical);
    const std::array<std::uint64_t, 1> top{kNonCanonical};
    ASSERT_TRUE(guest.machine->write(BareGuest::kStack, std::as_bytes(std::span(top))));
    guest.handle(kGp, kExit, {.ist = 1});
    guest.handle(kSs, kExit, {.ist = 1});
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    ASSERT_EQ(guest.counted(kGp), 1U);
    EXPECT_EQ(guest.frame(true).error_code, 0U);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 3).value);
    EXPECT_EQ(guest.frame(true).rsp, BareGuest::kStack.value);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
    EXPECT_EQ(guest.machine->counters().instructions, 2U + 2);
    EXPECT_EQ(guest.machine->counters().blocks, 0U);
}

INSTANTIATE_TEST_SUITE_P(Jumps, NonCanonicalJump,
                         testing::Combine(testing::Values(Mode::Kernel, Mode::User),
                                          testing::Values(Jump{"JmpRegister", {0xff, 0xe6}},
                                                          Jump{"JmpMemory", {0xff, 0x24, 0x24}},
                                                          Jump{"CallRegister", {0xff, 0xd6}},
                                                          Jump{"CallMemory", {0xff, 0x14, 0x24}},
                                                          Jump{"Ret", {0xc3}},
                                                          Jump{"RepRet", {0xf3, 0xc3}},
                                                          Jump{"RetAndDrop", {0xc2, 0x20, 0x01}})),
                         [](const auto& value) {
                             const bool user = std::get<Mode>(value.param) == Mode::User;
                             return std::string(std::get<Jump>(value.param).name) +
                                    (user ? "User" : "Kernel");
                         });

// The same code in single steps: blocks of one instruction each.
TEST(NonCanonical, AJumpFaultsTheSameInSteps) {
    ModeGuest guest(Mode::User, {0x90, 0xff, 0xc3, 0xc3});
    const std::array<std::uint64_t, 1> top{kNonCanonical};
    ASSERT_TRUE(guest.machine->write(BareGuest::kStack, std::as_bytes(std::span(top))));
    guest.handle(kGp, kExit);
    for (std::uint64_t n = 1; guest.run(n).reason == StopReason::InsnLimit; ++n) {
    }
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + 3).value);
    EXPECT_EQ(guest.machine->counters().instructions, 2U + 2);
}

// --- What the engine's CPU takes although it should not (emu/engine/README.md): these fail when
// that changes.

TEST(CanonicalLimits, SegmentBasesByInstructionAreNotChecked) {
    // wrfsbase rsi; wrgsbase rsi: #GP(0) on hardware
    for (const Bytes& code :
         {Bytes{0xf3, 0x48, 0x0f, 0xae, 0xd6}, Bytes{0xf3, 0x48, 0x0f, 0xae, 0xde}}) {
        ModeGuest guest(Mode::Kernel, code_of({code, kExit}));
        guest.change([](cpu::RegisterFile& registers) { registers.cr4 |= 1U << 16; });
        guest.machine->cpu().set_gpr(Gpr::Rsi, kNonCanonical);
        guest.handle(kGp);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.counted(kGp), 0U);
    }
}

TEST(CanonicalLimits, TableBasesAreNotChecked) {
    // lgdt [rsi]; lidt [rsi]: #GP(0) on hardware
    for (const Bytes& code : {Bytes{0x0f, 0x01, 0x16}, Bytes{0x0f, 0x01, 0x1e}}) {
        ModeGuest guest(Mode::Kernel, code_of({code, kExit}));
        const GuestVa table = kBareDirectMap + 0x9'0000;
        Bytes operand(10, 0xff);
        std::memcpy(operand.data() + 2, &kNonCanonical, 8);
        guest.put(table, operand);
        guest.machine->cpu().set_gpr(Gpr::Rsi, table.value);
        guest.handle(kGp);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.counted(kGp), 0U);
    }
}

TEST(CanonicalLimits, AFarJumpFaultsBehindIt) {
    // far jmp [rsi] with a 64-bit offset: #GP(0) at the jump on hardware, at its target here
    ModeGuest guest(Mode::Kernel, {0x48, 0xff, 0x2e});
    const GuestVa pointer = kBareDirectMap + 0x9'0000;
    Bytes operand(10, 0);
    std::memcpy(operand.data(), &kNonCanonical, 8);
    operand[8] = ModeGuest::kKernelCode;
    guest.put(pointer, operand);
    guest.machine->cpu().set_gpr(Gpr::Rsi, pointer.value);
    guest.handle(kGp);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(true).rip, kNonCanonical);
}

TEST(PagingLimits, PagesOfAGibibyteAreTaken) {
    // CPUID has no such pages: bit 7 of a PDPT entry is reserved, #PF with RSVD on hardware.
    ModeGuest guest(Mode::Kernel, code_of({{0x8b, 0x06}, kExit}));
    PhysicalMemory& memory = guest.machine->memory();
    const std::uint64_t entry = cpu::pte::kPresent | cpu::pte::kWritable | cpu::pte::kLarge;
    const GuestVa va{0x80'0000'0000};
    const GuestPa pdpt{0x20'0000};
    const std::uint64_t link = pdpt.value | 3;
    std::memcpy(memory.view(GuestPa{0x2000 + 8ULL * cpu::table_index(va, 4)}, 8).data(), &link, 8);
    std::memcpy(memory.view(pdpt, 8).data(), &entry, 8);
    guest.machine->cpu().set_gpr(Gpr::Rsi, va.value + 0x1'0000);
    guest.handle(14);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(14), 0U);
}

}  // namespace
}  // namespace trapgate::emu

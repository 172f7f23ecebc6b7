// SPDX-License-Identifier: GPL-2.0-only
// Code that changes under the CPU: by itself, through another mapping, by the host.
#include <cstring>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;

/// Maps the first 2 MiB of RAM a second time, writable and not executable, and returns where.
GuestVa map_alias(Machine& machine) {
    constexpr GuestPa kBareDirectory{0x4000};
    constexpr unsigned kSlot = 300;
    const std::uint64_t entry = cpu::pte::kPresent | cpu::pte::kWritable | cpu::pte::kLarge |
                                cpu::pte::kNoExecute;
    std::memcpy(machine.memory().view(kBareDirectory + 8ULL * kSlot, 8).data(), &entry, 8);
    return kBareDirectMap + (std::uint64_t{kSlot} << 21);
}

TEST(CodeChange, AStoreToTheNextInstructionOfTheBlockTakesEffectAndCounts) {
    // mov byte [rip+1], 7 (the immediate behind the opcode); mov bl, 1; exit
    BareGuest guest(code_of({{0xc6, 0x05, 1, 0, 0, 0, 7}, {0xb3, 1}, kExit}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 7U);
    EXPECT_EQ(guest.machine->counters().instructions, 4U);
}

TEST(CodeChange, StoresThroughAnotherMappingAreSeenEveryTime) {
    // r8: writable alias of the function at r9, whose first instruction is mov al, IMM.
    // loop: mov [r8+1], cl; call r9; add rbx, rax; dec ecx; jnz loop; exit
    BareGuest guest(code_of({{0x41, 0x88, 0x48, 0x01},
                             {0x41, 0xff, 0xd1},
                             {0x48, 0x01, 0xc3},
                             {0xff, 0xc9},
                             {0x75, 0xf2},
                             kExit}));
    const GuestVa function = kBareDirectMap + 0x40000;
    guest.put(function, {0xb0, 0, 0xc3});  // mov al, 0; ret
    const GuestVa alias = map_alias(*guest.machine) + 0x40000;
    guest.machine->cpu().set_gpr(Gpr::R8, alias.value);
    guest.machine->cpu().set_gpr(Gpr::R9, function.value);
    guest.machine->cpu().set_gpr(Gpr::Rcx, 100);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 5050U);
    EXPECT_EQ(guest.machine->counters().instructions, 100U * 7 + 2);
}

TEST(CodeChange, HostWritesAreSeenBetweenRuns) {
    BareGuest guest({0xb3, 1, 0xeb, 0xfc});  // loop: mov bl, 1; jmp loop
    guest.run(1000);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
    guest.put(BareGuest::kCode + 1, {2});
    guest.run(2000);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 2U);
}

TEST(CodeChange, DataBesideCodeStaysFastAndRight) {
    // The loop stores into its own page, but not into its own bytes.
    // mov ecx, 1000; loop: mov [rip+0x100], ecx; add rbx, rcx; dec ecx; jnz loop; exit
    BareGuest guest(code_of({{0xb9, 0xe8, 3, 0, 0},
                             {0x89, 0x0d, 0, 1, 0, 0},
                             {0x48, 0x01, 0xcb},
                             {0xff, 0xc9},
                             {0x75, 0xf3},
                             kExit}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 500'500U);
    EXPECT_EQ(guest.machine->counters().instructions, 1U + 4000 + 2);
}

TEST(CodeChange, AJumpToWhereNoMemoryAnswersIsAnInvalidOpcode) {
    BareGuest guest({0xff, 0xe0});  // jmp rax
    constexpr GuestPa kBareDirectory{0x4000};
    const std::uint64_t entry = 0x4000'0000 | cpu::pte::kPresent | cpu::pte::kWritable |
                                cpu::pte::kLarge;
    std::memcpy(guest.machine->memory().view(kBareDirectory + 8ULL * 300, 8).data(), &entry, 8);
    const GuestVa nowhere = kBareDirectMap + (300ULL << 21);
    guest.set_handler(6, kExit);
    guest.machine->cpu().set_gpr(Gpr::Rax, nowhere.value);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.stack_word(0), nowhere.value);
}

}  // namespace
}  // namespace trapgate::emu

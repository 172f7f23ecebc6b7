// SPDX-License-Identifier: GPL-2.0-only
// Guests that go wrong: each comes to an end that says so, and none takes the host along.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "emu/devices/io_apic.hpp"
#include "emu/devices/local_apic.hpp"
#include "emu/loader/long_mode.hpp"
#include "tests/emu/mode_guest.hpp"
#include "tests/emu/several_cpus.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

RunLimits limits_of(std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    limits.max_host_seconds = 30;
    return limits;
}

// --- Jumps to where there is nothing

struct Place {
    const char* name;
    std::uint64_t address;
};

void PrintTo(const Place& place, std::ostream* out) { *out << place.name; }

class BadJump : public testing::TestWithParam<Place> {
protected:
    // jmp rax
    BadJump() : guest(Mode::Kernel, {0xff, 0xe0}) {
        map_apics(*guest.machine);
        using namespace cpu::pte;
        PhysicalMemory& memory = guest.machine->memory();
        const GuestPa pml4{guest.machine->cpu().cr3()};
        const GuestPa pdpt{*memory.read<std::uint64_t>(pml4 + 511ULL * 8) & kAddressMask};
        constexpr std::uint64_t kBig = kPresent | kWritable | kLarge;
        write_entry(memory, pdpt, 4, (0xffULL << 32) | kBig);  // the last GiB below 2^40
        write_entry(memory, GuestPa{0x5000}, 1, 0xc020'0000 | kBig);
        guest.machine->cpu().set_gpr(Gpr::Rax, GetParam().address);
    }
    ModeGuest guest;
};

TEST_P(BadJump, IsATripleFaultWithoutHandlers) {
    cpu::RegisterFile registers = guest.machine->cpu().registers();
    registers.idtr = {};
    guest.machine->cpu().set_registers(registers);
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::TripleFault);
    EXPECT_LE(guest.machine->counters().instructions, 1U);
}

TEST_P(BadJump, ComesToTheHandler) {
    for (const std::uint8_t vector : Bytes{6, 13, 14}) {
        guest.set_handler(vector, kExit);
    }
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::GuestExit);
    EXPECT_LE(guest.machine->counters().instructions, 3U);
}

INSTANTIATE_TEST_SUITE_P(Into, BadJump,
                         testing::Values(Place{"NothingMapped", 0x1234'5678'9000},
                                         Place{"NonCanonical", 0x8000'0000'0000'0000},
                                         Place{"TheEndOfTheAddressSpace", 0xffff'ffff'ffff'fffe},
                                         Place{"TheLocalApic", kLocalApicBase.value + 0x20},
                                         Place{"TheIoApic", kIoApicBase.value},
                                         Place{"NoDevice", 0xc020'0000},
                                         Place{"BehindAllMemory", 0x1'3fff'f000}),
                         [](const auto& one) { return std::string(one.param.name); });

// --- Tables that are gone

TEST(BadGuest, OverwritesItsPageTables) {
    for (const std::uint64_t entry :
         {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 51 | 3,
          std::uint64_t{0xfee0'0003}, std::uint64_t{0xe000'0003}}) {
        // mov [rdi], rax; mov rcx, cr3; mov cr3, rcx; nop
        BareGuest guest({0x48, 0x89, 0x07, 0x0f, 0x20, 0xd9, 0x0f, 0x22, 0xd9, 0x90});
        guest.set_handler(14, kExit);
        guest.machine->cpu().set_gpr(Gpr::Rdi, (kBareDirectMap + 0x2000 + 511 * 8).value);
        guest.machine->cpu().set_gpr(Gpr::Rax, entry);
        EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::TripleFault) << entry;
        EXPECT_EQ(guest.machine->counters().instructions, 3U) << entry;
    }
}

// The page tables are gone, but the TLB still has the page: on it goes, and every instruction
// counts.
TEST(BadGuest, LivesOnItsTlb) {
    // mov [rdi], rax; jmp +0; jmp $
    const Bytes code{0x48, 0x89, 0x07, 0xeb, 0x00, 0xeb, 0xfe};
    BareGuest guest(code);
    guest.machine->cpu().set_gpr(Gpr::Rdi, (kBareDirectMap + 0x2000 + 511 * 8).value);
    EXPECT_EQ(guest.machine->run(limits_of(100'000)).reason, StopReason::InsnLimit);
    EXPECT_EQ(guest.machine->counters().instructions, 100'000U);
}

// A store that changes code in front of it in the same block; then a fault: its place is exact.
TEST(BadGuest, FaultsBehindCodeThatItChanged) {
    // nop; nop; nop; mov word [rip - 10], 0xc031 (xor eax, eax over two of them); nop; ud2
    const Bytes code{0x90, 0x90, 0x90, 0x66, 0xc7, 0x05, 0xf4, 0xff,
                     0xff, 0xff, 0x31, 0xc0, 0x90, 0x0f, 0x0b};
    BareGuest guest(code);
    guest.set_handler(6, kExit);
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.machine->counters().instructions, 5U + 2U);
    EXPECT_EQ(guest.stack_word(0), BareGuest::kCode.value + 13);
}

TEST(BadGuest, OverwritesItsIdt) {
    // mov rdi, idt (in rdi); xor eax, eax; mov ecx, 512; rep stosq; int3
    BareGuest guest({0x31, 0xc0, 0xb9, 0, 2, 0, 0, 0xf3, 0x48, 0xab, 0xcc});
    guest.set_handler(3, kExit);
    guest.machine->cpu().set_gpr(Gpr::Rdi, BareGuest::kIdt.value);
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::TripleFault);
}

TEST(BadGuest, OverwritesItsGdt) {
    // mov [rdi], rax; int3: the handler's code segment is gone
    BareGuest guest({0x48, 0x89, 0x07, 0xcc});
    guest.set_handler(3, kExit);
    guest.machine->cpu().set_gpr(Gpr::Rdi, (kBareDirectMap + 0x1010).value);
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::TripleFault);
}

// A stack of the task state segment is wanted, and there is no such segment.
TEST(BadGuest, HasNoTaskStateSegment) {
    ModeGuest guest(Mode::Kernel, {0xcc});
    guest.handle(3, kExit, {.ist = 1});
    guest.change([](cpu::RegisterFile& registers) { registers.tr = {}; });
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::TripleFault);
    // Nothing of it is left: the machine can be used guest.
    guest.change([](cpu::RegisterFile& registers) {
        registers.tr = {ModeGuest::kTssSelector, ModeGuest::kTss.value, 0x67, 0x8b00};
        registers.rip = BareGuest::kCode.value;
    });
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::GuestExit);
}

// The handler of #PF is not mapped, but its stack is: a CPU would raise #PF for ever.
TEST(BadGuest, RaisesExceptionsForEver) {
    BareGuest guest({0x48, 0x8b, 0x00});  // mov rax, [rax]
    guest.set_handler(14, {});
    const std::array<std::uint8_t, 2> elsewhere{0x34, 0x12};
    ASSERT_TRUE(
        guest.machine->write(BareGuest::kIdt + 14 * 16 + 8, std::as_bytes(std::span(elsewhere))));
    guest.machine->cpu().set_gpr(Gpr::Rax, 0x1234'5678);
    // Each #PF pushes; at the stack's end, which is not mapped, it would be a double fault.
    EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::TripleFault);
    EXPECT_EQ(guest.machine->counters().instructions, 0U);
}

// --- Sleep without an end

TEST(BadGuest, SleepsToTheEndOfTime) {
    // LVT timer: vector 0x40, TSC-deadline mode.
    // mov r8d, 0xfee00000; mov dword [r8 + 0x320], 0x40040; mov ecx, 0x6e0; wrmsr; sti; hlt; jmp
    BareGuest guest(code_of({{0x41, 0xb8, 0, 0, 0xe0, 0xfe},
                             {0x41, 0xc7, 0x80, 0x20, 3, 0, 0, 0x40, 0, 4, 0},
                             {0xb9, 0xe0, 6, 0, 0, 0x0f, 0x30, 0xfb, 0xf4},
                             {0xeb, 0xfd}}));
    map_apics(*guest.machine);
    for (const std::uint64_t deadline : {~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        guest.machine->cpu().set_rip(BareGuest::kCode);
        guest.machine->cpu().set_gpr(Gpr::Rax, deadline & 0xffff'ffff);
        guest.machine->cpu().set_gpr(Gpr::Rdx, deadline >> 32);
        EXPECT_EQ(guest.machine->run(limits_of(1000)).reason, StopReason::Dead);
        EXPECT_LT(guest.machine->now().value, 1'000'000U);
    }
}

TEST(BadGuest, HaltsOneCpuForGoodWhileAnotherGoesOn) {
    SeveralCpus guest(2);
    guest.run(100'000);            // The other CPU has been started.
    const Bytes halt{0xfa, 0xf4};  // cli; hlt
    const Bytes spin{0xeb, 0xfe};
    const auto place = [&](unsigned cpu, GuestVa at, const Bytes& code) {
        ASSERT_TRUE(guest.machine->write(at, std::as_bytes(std::span(code))));
        guest.machine->cpu(cpu).set_rip(at);
    };
    place(0, BareGuest::kCode + 0x1000, halt);
    place(1, BareGuest::kCode + 0x2000, spin);
    const std::uint64_t before = guest.machine->cpu(1).instructions();
    const RunLimits limits = limits_of(guest.machine->counters().instructions + 100'000);
    const StopReason reason = guest.machine->run(limits).reason;
    if (reason == StopReason::InsnLimit) {
        EXPECT_GT(guest.machine->cpu(1).instructions(), before + 90'000);
    } else {
        EXPECT_EQ(reason, StopReason::Dead) << "the other one slept already";
    }
}

// --- System registers

TEST(BadGuest, CannotSwitchOnWhatTheCpuDoesNotOffer) {
    constexpr std::uint64_t kSvme = 1U << 12;
    constexpr std::uint64_t kLme = 1U << 8;
    // mov ecx, 0xc0000080; rdmsr; xor eax, ebx; wrmsr
    const Bytes code = code_of(
        {{0xb9, 0x80, 0, 0, 0xc0, 0x0f, 0x32, 0x31, 0xd8, 0x0f, 0x30}, kExit});
    for (const std::uint64_t bit : {kSvme, kLme, std::uint64_t{1} << 14, std::uint64_t{2}}) {
        BareGuest guest(code);
        guest.set_handler(13, {0x0f, 0x0b});
        guest.set_handler(6, out_byte(0xf4, 7));
        guest.machine->cpu().set_gpr(Gpr::Rbx, bit);
        const StopEvent stop = guest.machine->run(limits_of(1000));
        EXPECT_EQ(stop.reason, StopReason::GuestExit);
        EXPECT_EQ(stop.status, 7U) << bit;
    }
    BareGuest guest(code);
    guest.machine->cpu().set_gpr(Gpr::Rbx, 1);  // SCE
    EXPECT_EQ(guest.machine->run(limits_of(1000)).status, 0U);
}

// --- Code that changes itself all the time

TEST(BadGuest, ChangesItsOwnCodeInEachRound) {
    constexpr std::uint64_t kRounds = 20'000;
    // loop: mov [rip + 1], cl; mov al, imm8 (the byte just written); movzx eax, al; add rbx, rax;
    // dec ecx; jnz loop
    const Bytes code = code_of({{0x88, 0x0d, 1, 0, 0, 0, 0xb0, 0, 0x0f, 0xb6, 0xc0},
                                {0x48, 0x01, 0xc3, 0xff, 0xc9, 0x75, 0xee},
                                kExit});
    BareGuest guest(code);
    guest.machine->cpu().set_gpr(Gpr::Rcx, kRounds);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 1; i <= kRounds; ++i) {
        sum += i & 0xff;
    }
    EXPECT_EQ(guest.machine->run(limits_of(1'000'000)).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), sum);
    EXPECT_EQ(guest.machine->counters().instructions, 6 * kRounds + 2);
}

// Fills pages with code and runs all of it, again and again: translations do not pile up.
TEST(BadGuest, MakesNewCodeWithoutEnd) {
    // again: lea rdi, [r8]; mov ecx, 0x1000; mov al, r9b; rep stosb (of one-byte instructions); mov
    // byte [rdi], 0xc3; call r8; inc r9b; and r9b, 7; or r9b, 0x50 (push); ...
    const Bytes code = code_of({{0x4c, 0x89, 0xc7, 0xb9, 0, 0x10, 0, 0},  // mov rdi, r8; mov ecx,
                                                                          // 0x1000
                                {0xb0, 0x90, 0xf3, 0xaa},                 // mov al, 0x90; rep stosb
                                {0xc6, 0x07, 0xc3, 0x41, 0xff, 0xd0},  // mov byte [rdi], ret; call
                                                                       // r8
                                {0xff, 0xc3, 0xeb, 0xea}});            // inc ebx; jmp again
    BareGuest guest(code);
    guest.machine->cpu().set_gpr(Gpr::R8, (kBareDirectMap + 0x20'0000).value);
    EXPECT_EQ(guest.machine->run(limits_of(4'000'000)).reason, StopReason::InsnLimit);
    EXPECT_GT(guest.gpr(Gpr::Rbx), 900U);
}

}  // namespace
}  // namespace trapgate::emu

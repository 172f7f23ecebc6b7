// SPDX-License-Identifier: GPL-2.0-only
// MSRs, CPUID, RDRAND and SYSCALL.
#include <cstring>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;

std::vector<std::uint8_t> mov_ecx(std::uint32_t value) {
    std::vector<std::uint8_t> code{0xb9, 0, 0, 0, 0};
    std::memcpy(code.data() + 1, &value, 4);
    return code;
}
const std::vector<std::uint8_t> kRdmsr{0x0f, 0x32};
const std::vector<std::uint8_t> kWrmsr{0x0f, 0x30};
const std::vector<std::uint8_t> kSaveRaxInR8{0x49, 0x89, 0xc0};

TEST(SystemRegisters, AnUnknownMsrFaults) {
    for (const auto& access : {kRdmsr, kWrmsr}) {
        BareGuest guest(code_of({mov_ecx(0x1234'5678), access}));
        guest.set_handler(13, kExit);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        EXPECT_EQ(guest.stack_word(0), 0U);
        EXPECT_EQ(guest.stack_word(1), (BareGuest::kCode + 5).value);
        EXPECT_EQ(guest.machine->counters().instructions, 3U);
    }
}

TEST(SystemRegisters, TheTscIsTheInstructionCountAndCanBeSet) {
    // nop; rdmsr TSC -> r8; wrmsr TSC := 1000; rdtsc
    BareGuest guest(code_of({{0x90},
                             mov_ecx(0x10),
                             kRdmsr,
                             kSaveRaxInR8,
                             {0xb8, 0xe8, 3, 0, 0, 0x31, 0xd2},
                             kWrmsr,
                             {0x0f, 0x31, 0x49, 0x89, 0xc1},
                             kExit}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R8), 2U);
    EXPECT_EQ(guest.gpr(Gpr::R9), 1001U);
}

// Of a descriptor's high dword only bits 8-23 are attributes; the others are the base's.
TEST(SystemRegisters, SegmentAttributesAreTheDescriptorsMiddleBits) {
    // mov fs, ax with ax = 8
    BareGuest guest(code_of({{0xb8, 8, 0, 0, 0, 0x8e, 0xe0}, kExit}));
    const std::uint64_t descriptor = 0xa5cf'f35a'1234'ffff;
    const GuestVa gdt{guest.machine->cpu().registers().gdtr.base};
    ASSERT_TRUE(guest.machine->write(gdt + 8, std::as_bytes(std::span(&descriptor, 1))));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    const cpu::Segment fs = guest.machine->cpu().registers().fs;
    EXPECT_EQ(fs.selector, 8U);
    EXPECT_EQ(fs.base, 0xa55a'1234U);
    EXPECT_EQ(fs.limit, 0xffff'ffffU);
    EXPECT_EQ(fs.attributes, 0x00cf'f300U);
}

TEST(SystemRegisters, EngineMsrsKeepTheirValue) {
    // LSTAR := 0x1122
    BareGuest guest(code_of({mov_ecx(0xc000'0082),
                             {0xb8, 0x22, 0x11, 0, 0, 0x31, 0xd2},
                             kWrmsr,
                             {0x31, 0xc0},
                             kRdmsr,
                             kSaveRaxInR8,
                             kExit}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R8), 0x1122U);
}

TEST(SystemRegisters, CpuidHidesWhatDoesNotWorkAndNamesTheHypervisor) {
    // mov eax, 1; xor ecx, ecx; cpuid; mov r8, rcx; mov eax, 0x40000000; cpuid; exit keeps rbx, rcx
    BareGuest guest(code_of({{0xb8, 1, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x49, 0x89, 0xc8},
                             {0xb8, 0, 0, 0, 0x40, 0x0f, 0xa2},
                             kExit}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    const std::uint64_t features = guest.gpr(Gpr::R8);
    EXPECT_EQ(features >> 28 & 1, 0U) << "AVX";
    EXPECT_EQ(features >> 31 & 1, 1U) << "hypervisor";
    EXPECT_EQ(features >> 20 & 1, 1U) << "SSE4.2";
    char name[13] = {};
    const std::uint64_t ebx = guest.gpr(Gpr::Rbx);
    const std::uint64_t ecx = guest.gpr(Gpr::Rcx);
    std::memcpy(name, &ebx, 4);
    std::memcpy(name + 4, &ecx, 4);
    EXPECT_STREQ(name, "Trapgate");
}

TEST(SystemRegisters, RdrandRepeatsInEveryRun) {
    // rdrand r8; setc bl; rdrand r9
    const auto code = code_of(
        {{0x49, 0x0f, 0xc7, 0xf0, 0x0f, 0x92, 0xc3, 0x49, 0x0f, 0xc7, 0xf1}, kExit});
    BareGuest first(code);
    BareGuest second(code);
    first.run();
    second.run();
    EXPECT_EQ(first.gpr(Gpr::Rbx), 1U);
    EXPECT_NE(first.gpr(Gpr::R8), first.gpr(Gpr::R9));
    EXPECT_EQ(first.gpr(Gpr::R8), second.gpr(Gpr::R8));
    EXPECT_EQ(first.gpr(Gpr::R9), second.gpr(Gpr::R9));
}

TEST(SystemRegisters, SyscallEntersTheKernelAndSysretLeavesIt) {
    // At CPL 3: stc; syscall; hlt (which faults there).
    BareGuest guest({0xf9, 0x0f, 0x05, 0xf4});
    // The kernel's entry: mov r8, rcx; mov r9, r11; mov r10d, cs; pushfq; pop r12; sysretq
    const GuestVa entry = BareGuest::kHandlers + 0x800;
    guest.put(entry, {0x49, 0x89, 0xc8, 0x4d, 0x89, 0xd9, 0x41, 0x8c, 0xca, 0x9c, 0x41, 0x5c, 0x48,
                      0x0f, 0x07});
    const GuestVa fault = guest.set_handler(13, kExit);
    static_cast<void>(fault);
    // User access to the direct map, a TSS with RSP0, and the system-call MSRs.
    PhysicalMemory& memory = guest.machine->memory();
    constexpr GuestPa kDirectory{0x4000};
    constexpr GuestPa kPdpt{0x3000};
    constexpr GuestPa kPml4{0x2000};
    for (const GuestPa table : {kPml4, kPdpt, kDirectory}) {
        for (unsigned i = 0; i < cpu::kEntriesPerTable; ++i) {
            const GuestPa at = table + 8ULL * i;
            std::uint64_t value = memory.read<std::uint64_t>(at).value_or(0);
            if (value != 0) {
                value |= cpu::pte::kUser;
                std::memcpy(memory.view(at, 8).data(), &value, 8);
            }
        }
    }
    const GuestVa tss = kBareDirectMap + 0x50000;
    const std::uint64_t rsp0 = BareGuest::kStack.value;
    EXPECT_TRUE(guest.machine->write(tss + 4, std::as_bytes(std::span(&rsp0, 1))));
    cpu::RegisterFile registers = guest.machine->cpu().registers();
    registers.tr = {0x28, tss.value, 0x67, 0x8b00};
    registers.cpl = 3;
    registers.cs = {0x33, 0, 0xffff'ffff, 0x00a0'fb00};
    registers.ss = {0x2b, 0, 0xffff'ffff, 0x00c0'f300};
    registers.efer |= 1;
    registers[Gpr::Rsp] = BareGuest::kStack.value - 0x1000;
    guest.machine->cpu().set_registers(registers);
    guest.machine->cpu().set_msr(0xc000'0081, (0x0023ULL << 48) | (0x0010ULL << 32));
    guest.machine->cpu().set_msr(0xc000'0082, entry.value);
    guest.machine->cpu().set_msr(0xc000'0084, cpu::rflags::kCf);

    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R8), (BareGuest::kCode + 3).value);
    EXPECT_EQ(guest.gpr(Gpr::R9) & cpu::rflags::kCf, cpu::rflags::kCf);
    EXPECT_EQ(guest.gpr(Gpr::R12) & cpu::rflags::kCf, 0U) << "FMASK clears CF";
    EXPECT_EQ(guest.gpr(Gpr::R10), 0x10U);
    // HLT at CPL 3 faulted: the frame shows user mode behind SYSRET, flags restored.
    EXPECT_EQ(guest.stack_word(1), (BareGuest::kCode + 3).value);
    EXPECT_EQ(guest.stack_word(2), 0x33U);
    EXPECT_EQ(guest.stack_word(3) & cpu::rflags::kCf, cpu::rflags::kCf);
    EXPECT_EQ(guest.stack_word(4), BareGuest::kStack.value - 0x1000);
}

}  // namespace
}  // namespace trapgate::emu

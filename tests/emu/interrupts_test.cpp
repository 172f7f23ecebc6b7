// SPDX-License-Identifier: GPL-2.0-only
// Non-maskable and external interrupts from kernel and user mode.
#include <cstring>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

const Bytes kIncRbx{0x48, 0xff, 0xc3};
const Bytes kIncR14{0x49, 0xff, 0xc6};
const Bytes kIretq{0x48, 0xcf};
const Bytes kLoop{0x48, 0xff, 0xc3, 0xeb, 0xfb};  // inc rbx; jmp

struct InterruptedMode : testing::TestWithParam<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, InterruptedMode, testing::Values(Mode::Kernel, Mode::User),
                         [](const auto& param) {
                             return param.param == Mode::Kernel ? "kernel" : "user";
                         });

TEST_P(InterruptedMode, AnNmiComesThoughInterruptsAreOff) {
    for (const unsigned ist : {0U, 2U}) {
        ModeGuest guest(GetParam(), kLoop);
        guest.handle(2, kExit, {.dpl = 0, .ist = ist});
        guest.run(101);
        guest.machine->inject_nmi(0);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
        const Frame frame = guest.frame(false);
        EXPECT_EQ(frame.rip, BareGuest::kCode.value + 3);
        EXPECT_EQ(guest.gpr(Gpr::Rbx), 51U);
        EXPECT_EQ(guest.gpr(Gpr::Rsp), guest.handler_rsp(false, ist));
        EXPECT_EQ(guest.counted(2), 1U);
        EXPECT_EQ(guest.machine->counters().interrupts, 0U);
        EXPECT_EQ(guest.machine->counters().instructions, 101U + 2);
    }
}

TEST_P(InterruptedMode, AnNmiWaitsForTheIretOfTheOneBefore) {
    // The handler: inc r14; nop; nop; iretq. Two more arrive while it runs; one of them is kept.
    ModeGuest guest(GetParam(), kLoop);
    guest.handle(2, code_of({kIncR14, {0x90, 0x90}, kIretq}));
    guest.run(100);
    guest.machine->inject_nmi(0);
    guest.run(102);
    EXPECT_EQ(guest.gpr(Gpr::R14), 1U);
    guest.machine->inject_nmi(0);
    guest.machine->inject_nmi(0);
    guest.run(104);
    EXPECT_EQ(guest.gpr(Gpr::R14), 1U);
    guest.run(108);
    EXPECT_EQ(guest.gpr(Gpr::R14), 2U);
    guest.run(500);
    EXPECT_EQ(guest.gpr(Gpr::R14), 2U);
    EXPECT_EQ(guest.counted(2), 2U);
}

TEST_P(InterruptedMode, AnExternalInterruptSwitchesToItsStack) {
    for (const unsigned ist : {0U, 5U}) {
        ModeGuest guest(GetParam(), kLoop);
        // The 8259 (base 0x20, IRQ 0 open) and the timer, about 1 ms.
        guest.run_kernel_code(
            code_of({out_byte(0x20, 0x11), out_byte(0x21, 0x20), out_byte(0x21, 4),
                     out_byte(0x21, 1), out_byte(0x21, 0xfe), out_byte(0x43, 0x34),
                     out_byte(0x40, 0xa9), out_byte(0x40, 0x04), kExit}));
        guest.handle(0x20, kExit, {.dpl = 0, .ist = ist});
        guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kIf; });
        EXPECT_EQ(guest.run(~0ULL).reason, StopReason::GuestExit);
        const Frame frame = guest.frame(false);
        EXPECT_LE(frame.rip - BareGuest::kCode.value, 3U);
        EXPECT_EQ(frame.rflags & cpu::rflags::kIf, cpu::rflags::kIf);
        EXPECT_EQ(guest.machine->cpu().rflags() & cpu::rflags::kIf, 0U);
        EXPECT_EQ(guest.gpr(Gpr::Rsp), guest.handler_rsp(false, ist));
        EXPECT_EQ(guest.machine->counters().interrupts, 1U);
    }
}

TEST(Nmi, WakesAHaltedCpu) {
    ModeGuest guest(Mode::Kernel, code_of({{0xfa, 0xf4}, kIncRbx, kExit}));
    guest.handle(2, code_of({kIncR14, kIretq}));
    EXPECT_EQ(guest.run().reason, StopReason::Dead);
    guest.machine->inject_nmi(0);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R14), 1U);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
}

TEST(Nmi, IsHeldInTheProbeWindow) {
    // jmp rax into the window: inc rbx three times; jmp rcx back to a loop.
    ModeGuest guest(Mode::Kernel, {0xff, 0xe0, 0x90, 0xeb, 0xfd});
    Machine& machine = *guest.machine;
    const WindowBlock text = machine.window().allocate_text(16).value();
    const Bytes code = code_of({kIncRbx, kIncRbx, kIncRbx, {0xff, 0xe1}});
    machine.write_text(text, 0, std::as_bytes(std::span(code)));
    machine.cpu().set_gpr(Gpr::Rax, text.va.value);
    machine.cpu().set_gpr(Gpr::Rcx, BareGuest::kCode.value + 2);
    guest.handle(2);
    guest.run(2);
    EXPECT_EQ(machine.cpu().rip(), text.va + 3);
    machine.inject_nmi(0);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 3U);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 2);
}

TEST(Nmi, ArrivesBySelfInterruptThroughTheLocalApic) {
    // mov dword [rsi+0x300], 0x44400: ICR := self, NMI. inc rbx
    ModeGuest guest(Mode::Kernel, code_of({{0xc7, 0x86, 0, 3, 0, 0, 0, 0x44, 0x04, 0}, kIncRbx}));
    const std::uint64_t entry = 0xfee0'0000 | cpu::pte::kPresent | cpu::pte::kWritable |
                                cpu::pte::kLarge | cpu::pte::kNoExecute;
    std::memcpy(guest.machine->memory().view(GuestPa{0x4000 + 8 * 301}, 8).data(), &entry, 8);
    guest.machine->cpu().set_gpr(Gpr::Rsi, kBareDirectMap.value + (301ULL << 21));
    guest.handle(2);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(false).rip, BareGuest::kCode.value + 10);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 0U);
}

TEST(Nmi, WaitsBehindAMovSs) {
    // mov ss, eax; inc rbx; inc rbx: the NMI that arrives in front of the first inc comes behind
    // it.
    ModeGuest guest(Mode::Kernel, code_of({{0x8e, 0xd0}, kIncRbx, kIncRbx}));
    guest.machine->cpu().set_gpr(Gpr::Rax, ModeGuest::kKernelData);
    guest.handle(2);
    guest.run(1);
    guest.machine->inject_nmi(0);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
}

}  // namespace
}  // namespace trapgate::emu

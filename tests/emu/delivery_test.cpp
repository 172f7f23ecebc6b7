// SPDX-License-Identifier: GPL-2.0-only
#include <cstring>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;

const std::vector<std::uint8_t> kSti{0xfb};
const std::vector<std::uint8_t> kHlt{0xf4};
const std::vector<std::uint8_t> kIretq{0x48, 0xcf};
const std::vector<std::uint8_t> kIncRbx{0x48, 0xff, 0xc3};

// ICW1-4 of the master (vector base 0x20), then only IRQ 0 unmasked.
const std::vector<std::uint8_t> kSetUpPic = code_of({out_byte(0x20, 0x11), out_byte(0x21, 0x20),
                                                     out_byte(0x21, 4), out_byte(0x21, 1),
                                                     out_byte(0x21, 0xfe)});
// Channel 0, low and high byte, rate generator, every 1193 ticks: about 1 ms.
const std::vector<std::uint8_t> kSetUpTimer = code_of(
    {out_byte(0x43, 0x34), out_byte(0x40, 0xa9), out_byte(0x40, 0x04)});
const std::vector<std::uint8_t> kEndOfInterrupt = out_byte(0x20, 0x20);

TEST(Delivery, InvalidOpcodePushesTheFaultingAddress) {
    BareGuest guest({0x90, 0x0f, 0x0b});  // nop; ud2
    guest.set_handler(6, kExit);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.stack_word(0), (BareGuest::kCode + 1).value);
    EXPECT_EQ(guest.stack_word(1), 0x10U);
    EXPECT_EQ(guest.stack_word(3), BareGuest::kStack.value);
    EXPECT_EQ(guest.machine->counters().exceptions[6], 1U);
    EXPECT_EQ(guest.machine->counters().instructions, 3U);  // nop; xor; out: a fault does not
                                                            // retire
}

TEST(Delivery, Int3OfTheGuestIsTheGuests) {
    BareGuest guest({0xcc, 0x90});
    guest.set_handler(3, kExit);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.stack_word(0), (BareGuest::kCode + 1).value);
    EXPECT_EQ(guest.machine->counters().exceptions[3], 1U);
}

TEST(Delivery, PageFaultHasErrorCodeAndCr2) {
    // mov [0x1234], eax: nothing is mapped there
    BareGuest guest({0x89, 0x04, 0x25, 0x34, 0x12, 0, 0});
    guest.set_handler(14, kExit);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.stack_word(0), 2U);  // a write, page not present, supervisor
    EXPECT_EQ(guest.stack_word(1), BareGuest::kCode.value);
    EXPECT_EQ(guest.machine->cpu().registers().cr2, 0x1234U);
}

TEST(Delivery, AHundredFaultsInARowStayPlainFaults) {
    // Unicorn by itself would turn the second contributory fault into a double fault.
    // mov ecx, 100; loop: mov eax, [0x1234]; dec ecx; jnz loop; exit
    BareGuest guest(code_of({{0xb9, 100, 0, 0, 0},
                             {0x8b, 0x04, 0x25, 0x34, 0x12, 0, 0},
                             {0xff, 0xc9},
                             {0x75, 0xf5},
                             kExit}));
    // add qword [rsp+8], 7; add rsp, 8; inc rbx; iretq
    guest.set_handler(
        14,
        code_of({{0x48, 0x83, 0x44, 0x24, 0x08, 0x07}, {0x48, 0x83, 0xc4, 0x08}, kIncRbx, kIretq}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 100U);
    EXPECT_EQ(guest.machine->counters().exceptions[14], 100U);
}

TEST(Delivery, AFaultWithoutItsGateBecomesADoubleFault) {
    BareGuest guest({0x8b, 0x04, 0x25, 0x34, 0x12, 0, 0});
    guest.set_handler(8, kExit);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.stack_word(0), 0U);  // the error code of #DF
    EXPECT_EQ(guest.stack_word(1), BareGuest::kCode.value);
}

TEST(Delivery, TheTimerWakesAHaltedCpuOnceAMillisecond) {
    // sti; loop: hlt; cmp ebx, 5; jb loop; exit
    BareGuest guest(
        code_of({kSetUpPic, kSetUpTimer, kSti, kHlt, {0x83, 0xfb, 5}, {0x72, 0xfa}, kExit}));
    guest.set_handler(0x20, code_of({{0x50}, kIncRbx, kEndOfInterrupt, {0x58}, kIretq}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 5U);
    EXPECT_EQ(guest.machine->counters().interrupts, 5U);
    const double milliseconds = static_cast<double>(guest.machine->now_ns()) / 1e6;
    EXPECT_NEAR(milliseconds, 5.0, 0.01);
}

/// A loop under a 1 ms timer whose handler notes where it interrupted.
class InterruptedLoop : public BareGuest {
public:
    InterruptedLoop()
        : BareGuest(code_of({kSetUpPic,
                             kSetUpTimer,
                             kSti,
                             kIncRbx,
                             {0x48, 0x01, 0xd9},  // add rcx, rbx
                             {0x48, 0x31, 0xca},  // xor rdx, rcx
                             {0x90, 0x90, 0x90},
                             {0xeb, 0xf2}})) {
        // push rax; EOI; pop rax; add r8, [rsp]; add r8, rbx; iretq
        set_handler(0x20, code_of({{0x50},
                                   kEndOfInterrupt,
                                   {0x58},
                                   {0x4c, 0x03, 0x04, 0x24},
                                   {0x49, 0x01, 0xd8},
                                   kIretq}));
    }
};

TEST(Delivery, InterruptsLandOnTheSameInstructionHoweverTheRunIsCut) {
    InterruptedLoop whole;
    EXPECT_EQ(whole.run(5'000'000).reason, StopReason::InsnLimit);
    EXPECT_EQ(whole.machine->counters().interrupts, 5U);
    for (const std::uint64_t stride : {7U, 1009U, 333'333U}) {
        InterruptedLoop pieces;
        for (std::uint64_t at = stride; at < 5'000'000; at += stride) {
            if (stride == 7 && at > 1'010'000) {
                break;  // Fine steps across the first interrupt only.
            }
            pieces.run(at);
        }
        pieces.run(5'000'000);
        EXPECT_EQ(pieces.machine->cpu().registers(), whole.machine->cpu().registers()) << stride;
        EXPECT_EQ(pieces.machine->counters().interrupts, 5U);
        EXPECT_EQ(pieces.machine->now(), whole.machine->now());
    }
}

TEST(Delivery, AnInterruptRaisedByAPortWriteLandsRightBehindIt) {
    // COM1 with OUT2 and the transmit interrupt, in the middle of a block: IRQ 4 fires at once.
    const std::vector<std::uint8_t> out_dx{0xee};
    BareGuest guest(code_of({kSetUpPic,
                             out_byte(0x21, 0xef),
                             kSti,
                             {0x66, 0xba, 0xfc, 0x03, 0xb0, 0x08},  // mov dx, 0x3fc; mov al, 8
                             out_dx,
                             {0x66, 0xba, 0xf9, 0x03, 0xb0, 0x02},  // mov dx, 0x3f9; mov al, 2
                             out_dx,
                             kIncRbx,
                             kIncRbx,
                             kExit}));
    // In the handler: save RBX as it was, then end.
    guest.set_handler(0x24, code_of({{0x49, 0x89, 0xd8}, kExit}));
    guest.machine->cpu().set_gpr(Gpr::R8, 99);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R8), 0U);
    EXPECT_EQ(guest.machine->counters().interrupts, 1U);
}

/// mov dword [rsi + offset], value
std::vector<std::uint8_t> apic_write(std::uint32_t offset, std::uint32_t value) {
    std::vector<std::uint8_t> code{0xc7, 0x86, 0, 0, 0, 0, 0, 0, 0, 0};
    std::memcpy(code.data() + 2, &offset, 4);
    std::memcpy(code.data() + 6, &value, 4);
    return code;
}

/// The bare machine with the local APIC mapped and RSI pointing at it.
class ApicGuest : public BareGuest {
public:
    explicit ApicGuest(const std::vector<std::uint8_t>& code) : BareGuest(code) {
        const std::uint64_t entry = 0xfee0'0000 | cpu::pte::kPresent | cpu::pte::kWritable |
                                    cpu::pte::kLarge | cpu::pte::kNoExecute;
        std::memcpy(machine->memory().view(GuestPa{0x4000 + 8 * 301}, 8).data(), &entry, 8);
        machine->cpu().set_gpr(Gpr::Rsi, kBareDirectMap.value + (301ULL << 21));
    }
};

TEST(Delivery, TheLocalApicTimerTicksPeriodically) {
    // Divide by 1, vector 0x40 periodic, every 100,000 cycles.
    ApicGuest guest(code_of({apic_write(0x3e0, 0xb),
                             apic_write(0x320, 0x2'0040),
                             apic_write(0x380, 100'000),
                             kSti,
                             kHlt,
                             {0x83, 0xfb, 7},
                             {0x72, 0xfa},
                             kExit}));
    guest.set_handler(0x40, code_of({kIncRbx, apic_write(0xb0, 0), kIretq}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 7U);
    // The count started at the third instruction; the last tick's handler and the end follow it.
    EXPECT_EQ(guest.machine->now().value, 2 + 700'000 + 3 + 4);
}

TEST(Delivery, ASelfInterruptLandsRightBehindTheWriteToTheCommandRegister) {
    // sti; nop; ICR := self, vector 0x41; inc rbx
    ApicGuest guest(code_of({kSti, {0x90}, apic_write(0x300, 0x4'0041), kIncRbx, kExit}));
    guest.set_handler(0x41, code_of({{0x49, 0x89, 0xd8}, kExit}));  // mov r8, rbx
    guest.machine->cpu().set_gpr(Gpr::R8, 99);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R8), 0U);
}

TEST(Delivery, StiHoldsInterruptsForOneInstruction) {
    // The timer is pending when STI comes; the instruction behind STI still runs.
    // mov ecx, 2000000; loop: dec ecx; jnz loop; sti; inc rbx; inc rbx
    BareGuest guest(code_of({kSetUpPic,
                             kSetUpTimer,
                             {0xb9, 0x80, 0x84, 0x1e, 0},
                             {0xff, 0xc9},
                             {0x75, 0xfc},
                             kSti,
                             kIncRbx,
                             kIncRbx,
                             kExit}));
    guest.set_handler(0x20, kExit);
    EXPECT_EQ(guest.run(10'000'000).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 1U);
}

TEST(Delivery, RdtscIsTheInstructionCountWhereverItStandsInItsBlock) {
    // nop; nop; rdtsc; mov r8, rax; nop; rdtsc; exit
    BareGuest guest(code_of(
        {{0x90, 0x90, 0x0f, 0x31, 0x49, 0x89, 0xc0, 0x90, 0x0f, 0x31}, {0x49, 0x89, 0xc1}, kExit}));
    guest.run();
    EXPECT_EQ(guest.gpr(Gpr::R8), 2U);
    EXPECT_EQ(guest.gpr(Gpr::R9), 5U);
}

}  // namespace
}  // namespace trapgate::emu

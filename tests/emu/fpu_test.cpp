// SPDX-License-Identifier: GPL-2.0-only
#include <cstring>

#include <gtest/gtest.h>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

// fninit; fldpi; fld1; mov rax, 0x1122334455667788; movq xmm3, rax; cli; hlt
const std::vector<std::uint8_t> kLoads{0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xe8, 0x48, 0xb8,
                                       0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
                                       0x66, 0x48, 0x0f, 0x6e, 0xd8, 0xfa, 0xf4};

std::uint64_t low(const auto& bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
}

class SseGuest : public BareGuest {
public:
    SseGuest() : BareGuest(kLoads) {
        constexpr std::uint64_t kOsfxsr = 1U << 9;
        cpu::RegisterFile registers = machine->cpu().registers();
        registers.cr4 |= kOsfxsr;
        machine->cpu().set_registers(registers);
    }
};

TEST(Fpu, ShowsTheX87StackFromItsTopAndXmm) {
    SseGuest guest;
    EXPECT_EQ(guest.run().reason, StopReason::Dead);
    const cpu::FpuState fpu = guest.machine->cpu().fpu();
    EXPECT_EQ(low(fpu.st[0]), 0x8000'0000'0000'0000U);  // 1.0
    EXPECT_EQ(low(fpu.st[1]), 0xc90f'daa2'2168'c235U);  // pi
    EXPECT_EQ(fpu.status >> 11 & 7, 6);
    EXPECT_EQ(fpu.control, 0x37f);
    EXPECT_EQ(fpu.tag, 0x0fff);
    EXPECT_EQ(low(fpu.xmm[3]), 0x1122'3344'5566'7788U);
    EXPECT_EQ(fpu.mxcsr, 0x1f80U);
}

TEST(Fpu, ComesBackAsItWasSet) {
    SseGuest guest;
    guest.run();
    cpu::FpuState fpu = guest.machine->cpu().fpu();
    fpu.st[1] = fpu.st[0];
    fpu.xmm[15] = fpu.xmm[3];
    fpu.mxcsr = 0x1fa0;
    guest.machine->cpu().set_fpu(fpu);
    EXPECT_EQ(guest.machine->cpu().fpu(), fpu);
}

}  // namespace
}  // namespace trapgate::emu

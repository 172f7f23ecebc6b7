// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/insn_length.hpp"

#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate::cpu {
namespace {

using Code = std::vector<std::uint8_t>;

InsnShape shape_of(const Code& code, CodeSize size = CodeSize::Bits64) {
    return insn_shape(std::as_bytes(std::span(code)), size);
}

TEST(InsnShape, KnowsControlTransfers) {
    for (const Code& code : std::initializer_list<Code>{
             {0x74, 0},                 // jz
             {0x0f, 0x85, 0, 0, 0, 0},  // jnz
             {0xe2, 0xfe},              // loop
             {0xe3, 0},                 // jrcxz
             {0xeb, 0},                 // jmp
             {0xe9, 0, 0, 0, 0},        // jmp
             {0xff, 0xe0},              // jmp rax
             {0x41, 0xff, 0x24, 0x24},  // jmp [r12]
             {0x48, 0xff, 0x28},        // far jmp [rax]
             {0xe8, 0, 0, 0, 0},        // call
             {0xff, 0x15, 0, 0, 0, 0},  // call [rip]
             {0xff, 0x18},              // far call [rax]
             {0xc3},
             {0xc2, 8, 0},  // ret
             {0x48, 0xcb},
             {0xca, 8, 0},  // far ret
             {0x48, 0xcf},  // iretq
             {0xcc},
             {0xcd, 0x80},
             {0xf1},  // int3, int 0x80, int1
             {0x0f, 0x05},
             {0x48, 0x0f, 0x07},  // syscall, sysretq
             {0x0f, 0x34},
             {0x48, 0x0f, 0x35},  // sysenter, sysexitq
         }) {
        const InsnShape shape = shape_of(code);
        EXPECT_EQ(shape.length, code.size()) << testing::PrintToString(code);
        EXPECT_TRUE(shape.transfer) << testing::PrintToString(code);
    }
    EXPECT_TRUE(shape_of({0xce}, CodeSize::Bits32).transfer);                    // into
    EXPECT_TRUE(shape_of({0x9a, 0, 0, 0, 0, 8, 0}, CodeSize::Bits32).transfer);  // far call
    EXPECT_TRUE(shape_of({0xea, 0, 0, 8, 0}, CodeSize::Bits16).transfer);        // far jmp
}

TEST(InsnShape, KnowsWhatIsNoControlTransfer) {
    for (const Code& code : std::initializer_list<Code>{
             {0xff, 0xc0},
             {0xff, 0x08},
             {0xff, 0x30},        // inc eax; dec [rax]; push [rax]
             {0x0f, 0x94, 0xc0},  // setz al
             {0x0f, 0x44, 0xc1},  // cmovz eax, ecx
             {0xf4},
             {0x90},
             {0xfb},                    // hlt, nop, sti
             {0xf3, 0xa4},              // rep movsb
             {0x0f, 0x0b},              // ud2
             {0x0f, 0x01, 0xf8},        // swapgs
             {0x0f, 0x38, 0x05, 0xc1},  // phsubw: 05 in another map
             {0xc5, 0xf8, 0x77},        // vzeroupper: a VEX prefix
         }) {
        const InsnShape shape = shape_of(code);
        EXPECT_EQ(shape.length, code.size()) << testing::PrintToString(code);
        EXPECT_FALSE(shape.transfer) << testing::PrintToString(code);
    }
}

}  // namespace
}  // namespace trapgate::cpu

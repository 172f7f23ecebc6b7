// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/disasm.hpp"

#include <gtest/gtest.h>

namespace trapgate::bpf {
namespace {

struct Line {
    const char* hex;
    const char* text;
};

// As Linux 6.18's verifier printed them (log level 2).
constexpr Line kLinuxLines[] = {
    {"0400000001000000", "(04) w0 += 1"},
    {"0500020000000000", "(05) goto pc+2"},
    {"0600000002000000", "(06) gotol pc+2"},
    {"0700000001000000", "(07) r0 += 1"},
    {"0c10000000000000", "(0c) w0 += w1"},
    {"0f10000000000000", "(0f) r0 += r1"},
    {"140000000d000000", "(14) w0 -= 13"},
    {"1501010000000080", "(15) if r1 == 0x80000000 goto pc+1"},
    {"160105000b000000", "(16) if w1 == 0xb goto pc+5"},
    {"170000000d000000", "(17) r0 -= 13"},
    {"18000000112233440000000055667788", "(18) r0 = 0x8877665544332211"},
    {"1c00000000000000", "(1c) w0 -= w0"},
    {"1d21010000000000", "(1d) if r1 == r2 goto pc+1"},
    {"1e21010000000000", "(1e) if w1 == w2 goto pc+1"},
    {"1f00000000000000", "(1f) r0 -= r0"},
    {"2400000007000000", "(24) w0 *= 7"},
    {"2501010000000080", "(25) if r1 > 0x80000000 goto pc+1"},
    {"2601020006000000", "(26) if w1 > 0x6 goto pc+2"},
    {"2700000007000000", "(27) r0 *= 7"},
    {"2c30000000000000", "(2c) w0 *= w3"},
    {"2d21020000000000", "(2d) if r1 > r2 goto pc+2"},
    {"2e21020000000000", "(2e) if w1 > w2 goto pc+2"},
    {"2f30000000000000", "(2f) r0 *= r3"},
    {"3400000002000000", "(34) w0 /= 2"},
    {"350104000b000000", "(35) if r1 >= 0xb goto pc+4"},
    {"360105000b000000", "(36) if w1 >= 0xb goto pc+5"},
    {"3700000002000000", "(37) r0 /= 2"},
    {"3c21010000000000", "(3c) w1 s/= w2"},
    {"3c40000000000000", "(3c) w0 /= w4"},
    {"3d21010000000000", "(3d) if r1 >= r2 goto pc+1"},
    {"3e21010000000000", "(3e) if w1 >= w2 goto pc+1"},
    {"3f21010000000000", "(3f) r1 s/= r2"},
    {"3f40000000000000", "(3f) r0 /= r4"},
    {"44000000a0000000", "(44) w0 |= 160"},
    {"4501010000000080", "(45) if r1 & 0x80000000 goto pc+1"},
    {"4601040008000000", "(46) if w1 & 0x8 goto pc+4"},
    {"47000000a0000000", "(47) r0 |= 160"},
    {"4c50000000000000", "(4c) w0 |= w5"},
    {"4d21010000000000", "(4d) if r1 & r2 goto pc+1"},
    {"4e21010000000000", "(4e) if w1 & w2 goto pc+1"},
    {"4f50000000000000", "(4f) r0 |= r5"},
    {"54000000a3000000", "(54) w0 &= 163"},
    {"55000c0000000000", "(55) if r0 != 0x0 goto pc+12"},
    {"560104000b000000", "(56) if w1 != 0xb goto pc+4"},
    {"57000000a3000000", "(57) r0 &= 163"},
    {"5c90000000000000", "(5c) w0 &= w9"},
    {"5d21050000000000", "(5d) if r1 != r2 goto pc+5"},
    {"5e21050000000000", "(5e) if w1 != w2 goto pc+5"},
    {"5f90000000000000", "(5f) r0 &= r9"},
    {"6110000000000000", "(61) r0 = *(u32 *)(r1 +0)"},
    {"620afcff01000080", "(62) *(u32 *)(r10 -4) = -2147483647"},
    {"631afcff00000000", "(63) *(u32 *)(r10 -4) = r1"},
    {"6400000016000000", "(64) w0 <<= 22"},
    {"65010400ffffffff", "(65) if r1 s> 0xffffffff goto pc+4"},
    {"66010400ffffffff", "(66) if w1 s> 0xffffffff goto pc+4"},
    {"6700000020000000", "(67) r0 <<= 32"},
    {"6910000000000000", "(69) r0 = *(u16 *)(r1 +0)"},
    {"6a00000034120000", "(6a) *(u16 *)(r0 +0) = 4660"},
    {"6b1afeff00000000", "(6b) *(u16 *)(r10 -2) = r1"},
    {"6c80000000000000", "(6c) w0 <<= w8"},
    {"6d21050000000000", "(6d) if r1 s> r2 goto pc+5"},
    {"6e21050000000000", "(6e) if w1 s> w2 goto pc+5"},
    {"6f80000000000000", "(6f) r0 <<= r8"},
    {"7109000000000000", "(71) r9 = *(u8 *)(r0 +0)"},
    {"720affffff000000", "(72) *(u8 *)(r10 -1) = 255"},
    {"731affff00000000", "(73) *(u8 *)(r10 -1) = r1"},
    {"7400000013000000", "(74) w0 >>= 19"},
    {"75010500ffffffff", "(75) if r1 s>= 0xffffffff goto pc+5"},
    {"76010500ffffffff", "(76) if w1 s>= 0xffffffff goto pc+5"},
    {"7700000020000000", "(77) r0 >>= 32"},
    {"7910000000000000", "(79) r0 = *(u64 *)(r1 +0)"},
    {"7a0af8ff44332211", "(7a) *(u64 *)(r10 -8) = 287454020"},
    {"7b0af8ff00000000", "(7b) *(u64 *)(r10 -8) = r0"},
    {"7c70000000000000", "(7c) w0 >>= w7"},
    {"7d21020000000000", "(7d) if r1 s>= r2 goto pc+2"},
    {"7e21020000000000", "(7e) if w1 s>= w2 goto pc+2"},
    {"7f70000000000000", "(7f) r0 >>= r7"},
    {"81a0fcff00000000", "(81) r0 = *(s32 *)(r10 -4)"},
    {"8400000000000000", "(84) w0 = -w0"},
    {"8510000009000000", "(85) call pc+9"},
    {"8700000000000000", "(87) r0 = -r0"},
    {"89a0feff00000000", "(89) r0 = *(s16 *)(r10 -2)"},
    {"91a0ffff00000000", "(91) r0 = *(s8 *)(r10 -1)"},
    {"940000005c000000", "(94) w0 %= 92"},
    {"9500000000000000", "(95) exit"},
    {"9700000078178f65", "(97) r0 %= 1703876472"},
    {"9c10000000000000", "(9c) w0 %= w1"},
    {"9c21010000000000", "(9c) w1 s%= w2"},
    {"9f10000000000000", "(9f) r0 %= r1"},
    {"9f21010000000000", "(9f) r1 s%= r2"},
    {"a400000003000000", "(a4) w0 ^= 3"},
    {"a501010001000080", "(a5) if r1 < 0x80000001 goto pc+1"},
    {"a601020004000000", "(a6) if w1 < 0x4 goto pc+2"},
    {"a700000003000000", "(a7) r0 ^= 3"},
    {"ac20000000000000", "(ac) w0 ^= w2"},
    {"ad21020000000000", "(ad) if r1 < r2 goto pc+2"},
    {"ae21020000000000", "(ae) if w1 < w2 goto pc+2"},
    {"af20000000000000", "(af) r0 ^= r2"},
    {"b400000000000000", "(b4) w0 = 0"},
    {"b501010004000000", "(b5) if r1 <= 0x4 goto pc+1"},
    {"b601010004000000", "(b6) if w1 <= 0x4 goto pc+1"},
    {"b700000000000000", "(b7) r0 = 0"},
    {"bc10000000000000", "(bc) w0 = w1"},
    {"bc10080000000000", "(bc) w0 = (s8)w1"},
    {"bc10100000000000", "(bc) w0 = (s16)w1"},
    {"bd21010000000000", "(bd) if r1 <= r2 goto pc+1"},
    {"be21010000000000", "(be) if w1 <= w2 goto pc+1"},
    {"bf06000000000000", "(bf) r6 = r0"},
    {"bf10080000000000", "(bf) r0 = (s8)r1"},
    {"bf10100000000000", "(bf) r0 = (s16)r1"},
    {"bf10200000000000", "(bf) r0 = (s32)r1"},
    {"c31af8ff00000000", "(c3) lock *(u32 *)(r10 -8) += r1"},
    {"c31af8ff01000000", "(c3) r1 = atomic_fetch_add((u32 *)(r10 -8), r1)"},
    {"c31af8ff40000000", "(c3) lock *(u32 *)(r10 -8) |= r1"},
    {"c31af8ff41000000", "(c3) r1 = atomic_fetch_or((u32 *)(r10 -8), r1)"},
    {"c31af8ff50000000", "(c3) lock *(u32 *)(r10 -8) &= r1"},
    {"c31af8ff51000000", "(c3) r1 = atomic_fetch_and((u32 *)(r10 -8), r1)"},
    {"c31af8ffa0000000", "(c3) lock *(u32 *)(r10 -8) ^= r1"},
    {"c31af8ffa1000000", "(c3) r1 = atomic_fetch_xor((u32 *)(r10 -8), r1)"},
    {"c31af8ffe1000000", "(c3) r1 = atomic_xchg((u32 *)(r10 -8), r1)"},
    {"c31af8fff1000000", "(c3) r0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r1)"},
    {"c400000030000000", "(c4) w0 s>>= 48"},
    {"c5010200fdffffff", "(c5) if r1 s< 0xfffffffd goto pc+2"},
    {"c6010200fdffffff", "(c6) if w1 s< 0xfffffffd goto pc+2"},
    {"c70000007c000000", "(c7) r0 s>>= 124"},
    {"cc10000000000000", "(cc) w0 s>>= w1"},
    {"cd11020000000000", "(cd) if r1 s< r1 goto pc+2"},
    {"ce11020000000000", "(ce) if w1 s< w1 goto pc+2"},
    {"cf10000000000000", "(cf) r0 s>>= r1"},
    {"d400000010000000", "(d4) r0 = le16 r0"},
    {"d5010100fdffffff", "(d5) if r1 s<= 0xfffffffd goto pc+1"},
    {"d6010100fdffffff", "(d6) if w1 s<= 0xfffffffd goto pc+1"},
    {"d700000010000000", "(d7) r0 = bswap16 r0"},
    {"db1af8ff00000000", "(db) lock *(u64 *)(r10 -8) += r1"},
    {"db1af8ff01000000", "(db) r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)"},
    {"db1af8ff40000000", "(db) lock *(u64 *)(r10 -8) |= r1"},
    {"db1af8ff41000000", "(db) r1 = atomic64_fetch_or((u64 *)(r10 -8), r1)"},
    {"db1af8ff50000000", "(db) lock *(u64 *)(r10 -8) &= r1"},
    {"db1af8ff51000000", "(db) r1 = atomic64_fetch_and((u64 *)(r10 -8), r1)"},
    {"db1af8ffa0000000", "(db) lock *(u64 *)(r10 -8) ^= r1"},
    {"db1af8ffa1000000", "(db) r1 = atomic64_fetch_xor((u64 *)(r10 -8), r1)"},
    {"db1af8ffe1000000", "(db) r1 = atomic64_xchg((u64 *)(r10 -8), r1)"},
    {"db1af8fff1000000", "(db) r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)"},
    {"dc00000010000000", "(dc) r0 = be16 r0"},
    {"dd21010000000000", "(dd) if r1 s<= r2 goto pc+1"},
    {"de21010000000000", "(de) if w1 s<= w2 goto pc+1"},
};

TEST(Disasm, WritesWhatLinuxWrites) {
    for (const Line& line : kLinuxLines) {
        const std::vector<Insn> insns = insns_from_hex(line.hex).value();
        EXPECT_EQ(disassemble(insns, 0), line.text) << line.hex;
    }
}

TEST(Disasm, GivesSomeTextForAnyBytes) {
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        for (const std::int32_t imm : {0, 1, -1, 0xf1}) {
            const Insn insn{.opcode = static_cast<std::uint8_t>(opcode),
                            .dst = 15,
                            .src = 15,
                            .off = -1,
                            .imm = imm};
            EXPECT_NE(disassemble({&insn, 1}, 0), "");
        }
    }
}

TEST(Disasm, NumbersLinesBySlot) {
    const std::vector<Insn>
        insns = insns_from_hex("1800000001000000 0000000002000000 9500000000000000").value();
    EXPECT_EQ(disassemble_all(insns),
              "   0: (18) r0 = 0x200000001\n"
              "   2: (95) exit\n");
}

TEST(Insn, ReadsHexAndNamesTheBadOffset) {
    EXPECT_EQ(insns_from_hex("b7 00 00 00\n2a 00 00 00").value(),
              (std::vector<Insn>{{.opcode = 0xb7, .imm = 42}}));
    EXPECT_EQ(insns_from_hex("b70x").error().where, "byte offset 3");
    EXPECT_FALSE(insns_from_hex("b7000000").has_value());
    EXPECT_FALSE(insns_from_hex("b70").has_value());
    EXPECT_TRUE(insns_from_hex("").value().empty());
}

}  // namespace
}  // namespace trapgate::bpf

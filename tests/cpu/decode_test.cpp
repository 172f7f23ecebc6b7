// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/decode.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace trapgate::cpu {
namespace {

constexpr GuestVa kAt{0xffff'ffff'8100'0000};

DecodedInsn decode_ok(const std::vector<std::uint8_t>& bytes) {
    const std::optional<DecodedInsn> insn = decode(std::as_bytes(std::span(bytes)));
    EXPECT_TRUE(insn.has_value());
    return insn.value_or(DecodedInsn{});
}

TEST(Decode, FindsTheRipRelativeDisplacementInFrontOfAnImmediate) {
    // cmpl $0x7f, 0x100(%rip)
    const DecodedInsn insn = decode_ok({0x81, 0x3d, 0x00, 0x01, 0x00, 0x00, 0x7f, 0, 0, 0});
    ASSERT_TRUE(insn.rip_relative.has_value());
    EXPECT_EQ(insn.length, 10);
    EXPECT_EQ(insn.rip_relative->offset, 2);
    EXPECT_EQ(insn.rip_relative->bytes, 4);
    EXPECT_EQ(insn.rip_operand(kAt), kAt + 0x10a);
    EXPECT_TRUE(insn.reads_memory);
    EXPECT_FALSE(insn.writes_memory);
    EXPECT_EQ(insn.immediate, 0x7fU);
}

TEST(Decode, KnowsBranchesAndTheirTargets) {
    const DecodedInsn call = decode_ok({0xe8, 0xfb, 0xff, 0xff, 0xff});
    EXPECT_EQ(call.branch, BranchKind::Call);
    EXPECT_EQ(call.branch_target(kAt), kAt);
    EXPECT_TRUE(call.writes_memory);
    EXPECT_EQ(decode_ok({0x75, 0x10}).branch, BranchKind::Conditional);
    EXPECT_EQ(decode_ok({0xe3, 0x10}).branch, BranchKind::Loop);
    EXPECT_EQ(decode_ok({0xc3}).branch, BranchKind::Return);
    EXPECT_EQ(decode_ok({0x48, 0xcf}).branch, BranchKind::InterruptReturn);
    EXPECT_TRUE(decode_ok({0x48, 0xcf}).far);
    EXPECT_EQ(decode_ok({0x0f, 0x05}).branch, BranchKind::SystemCall);
    EXPECT_EQ(decode_ok({0xcc}).branch, BranchKind::Interrupt);
    EXPECT_EQ(decode_ok({0x90}).branch, BranchKind::None);
}

TEST(Decode, TellsIndirectBranchesAndTheirRegister) {
    const DecodedInsn jump = decode_ok({0x41, 0xff, 0xe3});  // jmp *%r11
    EXPECT_EQ(jump.branch, BranchKind::Jump);
    EXPECT_TRUE(jump.indirect);
    EXPECT_EQ(jump.rm_register(), 11);
    EXPECT_EQ(jump.modrm_reg(), 4);
    EXPECT_FALSE(decode_ok({0xeb, 0x00}).indirect);
}

TEST(Decode, AnAddressComputationIsNoMemoryAccess) {
    const DecodedInsn lea = decode_ok({0x48, 0x8d, 0x05, 0x10, 0, 0, 0});
    EXPECT_FALSE(lea.reads_memory);
    EXPECT_FALSE(lea.writes_memory);
    EXPECT_TRUE(lea.rip_relative.has_value());
}

TEST(Decode, SeparatesLegacyPrefixesFromRex) {
    const DecodedInsn insn = decode_ok({0xf0, 0x48, 0x0f, 0xb1, 0x0f});  // lock cmpxchg
    EXPECT_EQ(insn.prefix_count, 1);
    EXPECT_TRUE(insn.has_prefix(0xf0));
    EXPECT_EQ(insn.rex, 0x48);
    EXPECT_EQ(insn.map, OpcodeMap::Escape0F);
    EXPECT_EQ(insn.opcode, 0xb1);
    EXPECT_TRUE(decode_ok({0xf3, 0xaa}).repeated_string);
}

TEST(Decode, RefusesWhatIsNoInstructionOrIsCutOff) {
    EXPECT_FALSE(decode({}).has_value());
    const std::vector<std::uint8_t> invalid{0x06};
    EXPECT_FALSE(decode(std::as_bytes(std::span(invalid))).has_value());
    const std::vector<std::uint8_t> cut{0xe8, 0x00};
    EXPECT_FALSE(decode(std::as_bytes(std::span(cut))).has_value());
    const std::vector<std::uint8_t> sixteen(16, 0x66);
    EXPECT_FALSE(decode(std::as_bytes(std::span(sixteen))).has_value());
}

TEST(FormatInsn, WritesBothSyntaxesWithAbsoluteAddresses) {
    const DecodedInsn mov = decode_ok({0x48, 0x8b, 0x05, 0x10, 0, 0, 0});
    EXPECT_EQ(format_insn(mov, kAt, Syntax::Intel), "mov rax, [0xFFFFFFFF81000017]");
    EXPECT_EQ(format_insn(mov, kAt, Syntax::Att), "mov 0xFFFFFFFF81000017, %rax");
    EXPECT_EQ(mnemonic_name(mov), "mov");
}

TEST(FormatInsn, NamesAddressesThatTheCallerKnows) {
    const DecodedInsn call = decode_ok({0xe8, 0x00, 0, 0, 0});
    const AddressNamer namer = [](GuestVa va) {
        return va == kAt + 5 ? std::string("vfs_open+0x5") : std::string();
    };
    EXPECT_EQ(format_insn(call, kAt, Syntax::Att, namer), "call vfs_open+0x5");
    EXPECT_EQ(format_insn(call, kAt + 1, Syntax::Att, namer), "call 0xFFFFFFFF81000006");
}

}  // namespace
}  // namespace trapgate::cpu

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/displaced.hpp"

#include <cerrno>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate::kernel {
namespace {

constexpr GuestVa kAt{0xffff'ffff'8100'0000};
constexpr GuestVa kSlot{0xffff'ffff'f000'0020};

cpu::DecodedInsn insn_of(const std::vector<std::uint8_t>& bytes) {
    return cpu::decode(std::as_bytes(std::span(bytes))).value_or(cpu::DecodedInsn{});
}

/// The instruction at `offset` of slot code.
cpu::DecodedInsn insn_in(const SlotCode& code, std::size_t offset) {
    return cpu::decode(std::as_bytes(std::span(code.bytes)).subspan(offset))
        .value_or(cpu::DecodedInsn{});
}

TEST(SlotCode, KeepsARipRelativeOperandWhereItIs) {
    const cpu::DecodedInsn original = insn_of({0x81, 0x3d, 0, 1, 0, 0, 0x7f, 0, 0, 0});
    const SlotCode code = make_slot_code(original, kAt, kSlot, DisplacedForm::Boosted).value();
    const cpu::DecodedInsn copy = insn_in(code, 0);
    EXPECT_EQ(copy.rip_operand(kSlot), original.rip_operand(kAt));
    EXPECT_EQ(copy.immediate, 0x7fU);
    EXPECT_EQ(insn_in(code, copy.length).branch_target(kSlot + copy.length), kAt + original.length);
    EXPECT_FALSE(code.trap_offset.has_value());
}

TEST(SlotCode, TheSteppedFormEndsWithATrap) {
    const SlotCode code = make_slot_code(insn_of({0x48, 0x89, 0xd8}), kAt, kSlot,
                                         DisplacedForm::Stepped)
                              .value();
    EXPECT_EQ(code.bytes, (std::vector<std::uint8_t>{0x48, 0x89, 0xd8, 0xcc}));
    EXPECT_EQ(code.trap_offset, 3);
}

TEST(SlotCode, ACallPushesTheOriginalReturnAddress) {
    const cpu::DecodedInsn call = insn_of({0xe8, 0, 1, 0, 0});
    const SlotCode code = make_slot_code(call, kAt, kSlot, DisplacedForm::Boosted).value();
    const cpu::DecodedInsn push = insn_in(code, 0);
    EXPECT_EQ(push.opcode, 0x68);
    EXPECT_EQ(push.immediate, (kAt + 5).value);
    EXPECT_EQ(insn_in(code, push.length).branch_target(kSlot + push.length),
              call.branch_target(kAt));
}

TEST(SlotCode, ACallThroughARegisterKeepsTheRegister) {
    const SlotCode code = make_slot_code(insn_of({0x41, 0xff, 0xd3}), kAt, kSlot,
                                         DisplacedForm::Boosted)
                              .value();
    const cpu::DecodedInsn jump = insn_in(code, 5);
    EXPECT_EQ(jump.branch, cpu::BranchKind::Jump);
    EXPECT_EQ(jump.rm_register(), 11);
    EXPECT_EQ(make_slot_code(insn_of({0xff, 0xd4}), kAt, kSlot, DisplacedForm::Boosted)
                  .error()
                  .linux_errno,
              EOPNOTSUPP);
}

TEST(SlotCode, RefusesWhatDoesNotReach) {
    const GuestVa far{0xffff'8880'0000'0000};
    EXPECT_EQ(
        make_slot_code(insn_of({0x90}), far, kSlot, DisplacedForm::Boosted).error().linux_errno,
        EINVAL);
    EXPECT_TRUE(make_slot_code(insn_of({0x90}), far, kSlot, DisplacedForm::Stepped).has_value());
}

TEST(CanEmulate, LeavesWhatOnlyLooksLikeABranchToItsSlot) {
    const auto answer = [](const std::vector<std::uint8_t>& bytes) {
        const cpu::DecodedInsn insn = insn_of(bytes);
        return can_emulate(insn, classify(insn));
    };
    EXPECT_TRUE(answer({0xc3}));
    EXPECT_TRUE(answer({0x74, 0x06}));
    EXPECT_FALSE(answer({0xc5, 0xf8, 0x77}));  // vzeroupper: Linux takes 0x77 for ja
    EXPECT_FALSE(answer({0x48, 0xcb}));        // lretq: Linux takes it for ret
    EXPECT_FALSE(answer({0x66, 0x9d}));        // popfw
    EXPECT_FALSE(answer({0x90}));
}

}  // namespace
}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
// How an instruction that a probe's int3 has displaced is carried out: the plan, and the code of
// its slot.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "cpu/decode.hpp"
#include "emu/machine.hpp"
#include "kernel/probes/insn_class.hpp"

namespace trapgate::kernel {

/// The three ways, cheapest first.
enum class DisplacedForm : std::uint8_t {
    Emulated,  ///< The host changes registers and stack; no guest instruction runs.
    Boosted,   ///< The slot ends with a jump back.
    Stepped,   ///< The slot ends with an int3, so that something can run after the instruction.
};

/// True when emulate() can do this instruction. Narrower than InsnClass::emulation, which repeats
/// Linux's answer: far returns, 16-bit operands and VEX opcodes that merely look like branches run
/// from their slot.
[[nodiscard]] bool can_emulate(const cpu::DecodedInsn& insn, const InsnClass& insn_class);

/// CALL and JMP through memory, which Linux refuses: their target is read by the host.
[[nodiscard]] bool is_memory_branch(const cpu::DecodedInsn& insn);

/// Does the work of the instruction at `at` on the CPU: registers, flags, stack, RIP. False, with
/// nothing changed, when its stack is not mapped: the slot then takes the fault where the guest
/// expects it.
[[nodiscard]] bool emulate(emu::Machine& machine, const cpu::DecodedInsn& insn, GuestVa at);

/// True when emulate() touches the stack for this instruction, and so can fail.
[[nodiscard]] bool may_need_slot(const cpu::DecodedInsn& insn);

struct SlotCode {
    std::vector<std::uint8_t> bytes;
    /// Where the int3 of the stepped form stands, from the slot's start.
    std::optional<std::uint8_t> trap_offset;
};

/// Code for the slot at `slot` that does what the instruction does at `at`: its bytes with
/// RIP-relative displacement and branch moved along, then a jump or an int3 as `form` (Boosted or
/// Stepped) says. EINVAL when a displacement does not reach; EOPNOTSUPP when the instruction stores
/// its own address.
[[nodiscard]] Result<SlotCode> make_slot_code(const cpu::DecodedInsn& insn, GuestVa at,
                                              GuestVa slot, DisplacedForm form);

}  // namespace trapgate::kernel

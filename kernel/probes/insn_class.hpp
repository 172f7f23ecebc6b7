// SPDX-License-Identifier: GPL-2.0-only
// What Linux's x86 kprobes would do with an instruction, from its encoding alone. The rules are
// those of Linux 6.12 (arch/x86/kernel/kprobes/core.c) and were checked against its own decoder on
// the encodings of a Debian kernel (tests).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "cpu/decode.hpp"

namespace trapgate::kernel {

/// How a displaced instruction is carried out without running a copy of it.
enum class Emulation : std::uint8_t {
    None,
    FlagsAccess,  ///< CLI, STI, PUSHF, POPF: they see or change IF, which a single step would
                  ///< disturb.
    Return,       ///< RET; Linux puts the far forms here too.
    Call,         ///< CALL rel32.
    Jump,         ///< JMP rel8 or rel32.
    Conditional,  ///< Jcc rel8 or rel32.
    Loop,         ///< LOOP, LOOPE, LOOPNE, JRCXZ.
    CallRegister,
    JumpRegister,
};

struct InsnClass {
    std::uint8_t length = 0;
    /// 0, or what register_kprobe answers: EILSEQ (it traps by itself), EINVAL (it masks interrupts
    /// behind itself, or is a hypervisor's emulation marker), EOPNOTSUPP (no way to run it
    /// elsewhere).
    int refusal = 0;
    Emulation emulation = Emulation::None;
    /// A copy with a jump behind it does the same as the original: no trap is needed after it. Says
    /// nothing about emulated ones.
    bool boostable = false;
    bool rip_relative = false;
    /// A jump whose target no decoder can know: jump optimisation must stay away from its function.
    bool indirect_jump = false;
    bool operator==(const InsnClass&) const = default;
};

/// Classifies the instruction at the front of `bytes`; nothing when Linux could not decode it.
[[nodiscard]] std::optional<InsnClass> classify(std::span<const std::byte> bytes);

/// The same for bytes that are decoded already.
[[nodiscard]] InsnClass classify(const cpu::DecodedInsn& insn);

}  // namespace trapgate::kernel

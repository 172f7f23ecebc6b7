// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <span>
#include <string>

#include "bpf/insn.hpp"

namespace trapgate::bpf {

/// Choices of the text form.
struct DisasmOptions {
    bool opcode = true;  ///< Begin with the opcode: "(b7) r0 = 0".
    /// Text for an ld_imm64 that is not a plain number (src != 0): "map[id:4]"; default: the number
    /// in hex.
    std::function<std::string(const Insn& low, const Insn& high)> pointer_text;
};

/// One instruction as bpftool and the verifier's log write it. `index` names the first slot; a
/// truncated ld_imm64 reads its missing half as zero. Any bytes give some text.
[[nodiscard]] std::string disassemble(std::span<const Insn> insns, std::size_t index,
                                      const DisasmOptions& options = {});

/// The whole program, a line per instruction: "   0: (b7) r0 = 0\n".
[[nodiscard]] std::string disassemble_all(std::span<const Insn> insns,
                                          const DisasmOptions& options = {});

/// "+=", "s>>="...: the operator of an ALU class instruction.
[[nodiscard]] std::string_view alu_operator(const Insn& insn);

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "bpf/verifier/verifier.hpp"

namespace trapgate::bpf {

/// What the encoder must know of a map to address it from guest code.
struct JitMap {
    std::uint64_t handle = 0;    ///< What a program holds for "pointer to this map"
                                 ///< (CONST_PTR_TO_MAP).
    std::uint64_t value_va = 0;  ///< Guest address of element 0's value; 0 when the type has no
                                 ///< flat values.
    std::uint32_t type = 0, value_size = 0, value_stride = 0, max_entries = 0, index_mask = 0;
};

struct JitInput {
    const VerifiedProgram& program;
    std::span<const JitMap> maps;
    std::uint64_t base_va = 0;  ///< Where the code will run; branches and calls are encoded for it.
    /// Guest address of a helper's entry (BPF_FUNC_*), System V calling convention: RDI RSI RDX RCX
    /// R8 -> RAX.
    std::function<std::uint64_t(std::uint32_t helper_id)> helper_va;
};

/// One line of the map between BPF and machine code.
struct JitLine {
    std::uint32_t bpf_insn = 0;
    std::uint32_t code_offset = 0;
};

/// x86-64 code: a function `u64 prog(void* ctx)`, System V, callee-saved registers kept.
struct JitImage {
    std::vector<std::uint8_t> code;
    std::vector<JitLine> lines;
};

/// Pure: the same input gives the same bytes. ENOTSUPP for an instruction that has no encoding yet.
/// The code's size does not depend on base_va (all rel32), so a caller may encode once with base 0
/// to learn the size.
[[nodiscard]] Result<JitImage> jit_encode(const JitInput& input);

}  // namespace trapgate::bpf

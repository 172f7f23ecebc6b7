// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bpf/insn.hpp"
#include "bpf/maps/map.hpp"

namespace trapgate::bpf {

/// A program as BPF_PROG_LOAD hands it over, its map descriptors resolved: in each ld_imm64 with
/// src_reg BPF_PSEUDO_MAP_FD or BPF_PSEUDO_MAP_VALUE, imm is an index into `maps`.
struct VerifierInput {
    std::uint32_t prog_type = 0;  ///< enum bpf_prog_type
    std::span<const Insn> insns;
    std::span<const Map* const> maps;
    bool gpl_compatible = false;
    std::uint32_t log_level = 0;  ///< As bpf_attr.log_level: bits 1, 2 and 4.
    std::uint32_t prog_flags = 0;
};

/// A program that passed: safe to run with a context of its type.
struct VerifiedProgram {
    std::uint32_t prog_type = 0;
    std::vector<Insn> insns;
    std::uint32_t stack_bytes = 0;  ///< Largest frame of any function.
    std::uint32_t insns_processed = 0;
    /// Some path may read stack bytes that it never wrote: they must read as zero.
    bool reads_uninit_stack = false;
    /// For each call of a helper on a constant map (look-ups that the JIT inlines): index into the
    /// input's maps, else -1.
    std::vector<std::int32_t> call_map;
    /// Stack of each function by its first instruction; functions that are not here use
    /// stack_bytes.
    std::map<std::uint32_t, std::uint32_t> function_stack;

    [[nodiscard]] std::uint32_t stack_bytes_of(std::uint32_t first_insn) const {
        const auto found = function_stack.find(first_insn);
        return found == function_stack.end() ? stack_bytes : found->second;
    }
};

struct VerifierAnswer {
    Result<VerifiedProgram> verdict;  ///< The error's linux_errno is what bpf(2) returns.
    std::string log;                  ///< In the kernel's format, for the log buffer.
};

[[nodiscard]] VerifierAnswer verify(const VerifierInput& input);

}  // namespace trapgate::bpf

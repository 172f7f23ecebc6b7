// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "bpf/jit/jit.hpp"

namespace trapgate::bpf::test {

/// Helpers of a native run by id: System V functions of five 64-bit arguments.
using NativeHelper = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                       std::uint64_t);
using NativeHelpers = std::map<std::uint32_t, NativeHelper>;

/// JITs a program for this process and calls it as prog(r1, r2): writable first, executable then,
/// never both. Any program may be given, so only use it for programs known to be safe.
[[nodiscard]] Result<std::uint64_t> run_native(const VerifiedProgram& program,
                                               std::span<const JitMap> maps,
                                               const NativeHelpers& helpers, std::uint64_t r1,
                                               std::uint64_t r2 = 0);

/// A program as the verifier would hand it on, for tests that switch it off.
[[nodiscard]] VerifiedProgram unverified(std::vector<Insn> insns);

}  // namespace trapgate::bpf::test

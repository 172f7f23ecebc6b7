// SPDX-License-Identifier: GPL-2.0-only
// Code with its branches still open. Instructions are encoded once; branches between BPF
// instructions and calls are kept beside the bytes. `link` then chooses two-byte branches wherever
// they reach (branches only ever shrink, so the choice settles) and lays everything out for an
// address. Sizes never depend on that address.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "bpf/jit/jit.hpp"
#include "bpf/jit/x64_writer.hpp"

namespace trapgate::bpf::jit {

class CodeBuffer {
public:
    explicit CodeBuffer(std::size_t insns) : insns_(insns), starts_(2 * insns) {}

    X64Writer code;

    /// A function that begins with this BPF instruction: its prologue starts here, and calls of it
    /// land here.
    void begin_function(std::uint32_t first_insn);
    /// The BPF instruction's code starts here; branches to it land here.
    void begin_insn(std::uint32_t index);
    void branch(std::uint32_t target_insn, std::optional<X64Cond> cond = std::nullopt);
    void call_function(std::uint32_t first_insn);
    void call_va(std::uint64_t target_va);

    [[nodiscard]] Result<JitImage> link(std::uint64_t base_va) const;

private:
    enum class Kind : std::uint8_t { Branch, CallFunction, CallVa };
    struct Gap {
        Kind kind;
        std::uint32_t raw_offset;  ///< Where in `code` its bytes belong.
        std::uint64_t target;      ///< Index into starts_, or an address.
        std::optional<X64Cond> cond;
    };
    struct Start {
        std::uint32_t raw_offset = 0;
        std::uint32_t gaps_before = 0;
    };

    [[nodiscard]] std::vector<std::uint8_t> choose_sizes() const;

    std::vector<Gap> gaps_;
    std::size_t insns_;
    std::vector<Start> starts_;  ///< Of the instructions, then of functions by first instruction.
    std::vector<std::uint32_t> order_;  ///< Indexes into starts_ as they were begun.
};

}  // namespace trapgate::bpf::jit

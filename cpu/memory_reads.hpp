// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "cpu/registers.hpp"

namespace trapgate::cpu {

struct MemoryRange {
    GuestVa va;
    std::uint64_t bytes = 0;
    bool operator==(const MemoryRange&) const = default;
};

/// What the addresses of operands are made of.
struct AddressInputs {
    std::array<std::uint64_t, kGprCount> gpr{};
    std::uint64_t fs_base = 0, gs_base = 0;
};

/// The ranges that the operands of the 64-bit mode instruction standing at `at` read, explicit ones
/// and the implicit ones of string and stack instructions; for a repeated string instruction, of
/// its next iteration. What system instructions read by themselves (descriptors, a TSS) is left
/// out.
[[nodiscard]] std::vector<MemoryRange> memory_reads(std::span<const std::byte> bytes, GuestVa at,
                                                    const AddressInputs& inputs);

/// Whether it is through SS that the 64-bit mode instruction at `at` accesses the bytes around
/// `va`: as its stack, or with RSP or RBP as base.
[[nodiscard]] bool through_stack_segment(std::span<const std::byte> bytes, GuestVa at,
                                         const AddressInputs& inputs, GuestVa va);

}  // namespace trapgate::cpu

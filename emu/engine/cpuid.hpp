// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// What CPUID says, on top of the engine's CPU model (Haswell without AVX): only what works is
/// advertised, and a hypervisor leaf tells guests where they are.

#include <cstdint>

namespace trapgate::emu {

struct CpuidAnswer {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    bool operator==(const CpuidAnswer&) const = default;
};

/// Which of how many CPUs asks.
struct CpuTopology {
    unsigned index = 0;  ///< Its APIC id.
    unsigned count = 1;
};

inline constexpr std::uint32_t kHypervisorLeaf = 0x4000'0000;

/// The guest's answer for a leaf, given the engine's own.
[[nodiscard]] CpuidAnswer guest_cpuid(std::uint32_t leaf, std::uint32_t subleaf, CpuidAnswer answer,
                                      CpuTopology topology);

}  // namespace trapgate::emu

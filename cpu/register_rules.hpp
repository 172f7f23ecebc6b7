// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Which values a system register takes; others are #GP(0). Intel SDM vol. 3, 2.5 (control
/// registers), 2.6 (XCR0), 11.11 (MTRRs), 11.12 (PAT), 15.3 (machine check); vol. 2, MOV to control
/// registers and WRMSR; vol. 4 (MSRs). Without PCIDs, 57-bit addresses and AVX.

#include <cstdint>

namespace trapgate::cpu {

/// What the rules depend on.
struct SystemState {
    std::uint64_t cr0 = 0, cr4 = 0, efer = 0;
    bool code_64 = false;  ///< In 64-bit mode.
    unsigned physical_bits = 40;
    std::uint64_t cr4_bits = 0;  ///< Those that the CPU has: cr4_bits_of().
};

/// The bits of CR4 that these CPUID features come with.
[[nodiscard]] std::uint64_t cr4_bits_of(std::uint32_t leaf1_ecx, std::uint32_t leaf1_edx,
                                        std::uint32_t leaf7_ebx, std::uint32_t leaf7_ecx);

/// Whether all address bits above 47 are as bit 47.
[[nodiscard]] constexpr bool canonical(std::uint64_t address) {
    constexpr unsigned kUpper = 16;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << kUpper) >> kUpper) ==
           address;
}

[[nodiscard]] bool cr0_takes(std::uint64_t value, const SystemState& now);
[[nodiscard]] bool cr3_takes(std::uint64_t value, const SystemState& now);
[[nodiscard]] bool cr4_takes(std::uint64_t value, const SystemState& now);
[[nodiscard]] bool cr8_takes(std::uint64_t value);
[[nodiscard]] bool xcr_takes(std::uint32_t index, std::uint64_t value);
/// For the MSRs that a CPU itself has; true for those without any rule.
[[nodiscard]] bool msr_takes(std::uint32_t index, std::uint64_t value, const SystemState& now);

/// The bits of CR0 that mean something; others stay zero.
inline constexpr std::uint64_t kCr0Bits = 0xe005'003f;

}  // namespace trapgate::cpu

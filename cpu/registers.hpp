// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace trapgate::cpu {

/// The general registers in their encoding order (Intel SDM vol. 2, table 2-2).
enum class Gpr : std::uint8_t {
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15
};
inline constexpr std::size_t kGprCount = 16;

/// Lower-case name as in AT&T and Intel syntax: "rax".
[[nodiscard]] std::string_view gpr_name(Gpr gpr);

/// RFLAGS bits (Intel SDM vol. 1, 3.4.3).
namespace rflags {
inline constexpr std::uint64_t kCf = 1U << 0;
inline constexpr std::uint64_t kFixed = 1U << 1;  ///< Always one.
inline constexpr std::uint64_t kPf = 1U << 2;
inline constexpr std::uint64_t kAf = 1U << 4;
inline constexpr std::uint64_t kZf = 1U << 6;
inline constexpr std::uint64_t kSf = 1U << 7;
inline constexpr std::uint64_t kTf = 1U << 8;
inline constexpr std::uint64_t kIf = 1U << 9;
inline constexpr std::uint64_t kDf = 1U << 10;
inline constexpr std::uint64_t kOf = 1U << 11;
inline constexpr std::uint64_t kNt = 1U << 14;
inline constexpr std::uint64_t kRf = 1U << 16;
inline constexpr std::uint64_t kVm = 1U << 17;
inline constexpr std::uint64_t kAc = 1U << 18;
}  // namespace rflags

/// Exception vectors (Intel SDM vol. 3, table 6-1).
enum class Vector : std::uint8_t {
    DivideError = 0,
    Debug = 1,
    Nmi = 2,
    Breakpoint = 3,
    Overflow = 4,
    BoundRange = 5,
    InvalidOpcode = 6,
    DeviceNotAvailable = 7,
    DoubleFault = 8,
    InvalidTss = 10,
    SegmentNotPresent = 11,
    StackFault = 12,
    GeneralProtection = 13,
    PageFault = 14,
    X87Error = 16,
    AlignmentCheck = 17,
    MachineCheck = 18,
    SimdError = 19
};

/// "#PF"; "interrupt" for the vectors that devices use (32 and above).
[[nodiscard]] std::string_view vector_name(std::uint8_t vector);

/// One segment register with its hidden part.
struct Segment {
    std::uint16_t selector = 0;
    std::uint64_t base = 0;
    std::uint32_t limit = 0;
    std::uint32_t attributes = 0;  ///< High dword of the descriptor, bits 8-23 (type, DPL, P, L, D,
                                   ///< G).
    bool operator==(const Segment&) const = default;
};

/// GDTR or IDTR.
struct TableRegister {
    std::uint64_t base = 0;
    std::uint16_t limit = 0;
    bool operator==(const TableRegister&) const = default;
};

/// The architectural registers of one CPU, as a plain value for views, tests and debuggers.
struct RegisterFile {
    std::array<std::uint64_t, kGprCount> gpr{};
    std::uint64_t rip = 0;
    std::uint64_t rflags = rflags::kFixed;
    Segment es, cs, ss, ds, fs, gs, ldtr, tr;
    TableRegister gdtr, idtr;
    std::uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, cr8 = 0;
    std::uint64_t efer = 0, kernel_gs_base = 0;
    std::uint8_t cpl = 0;

    [[nodiscard]] std::uint64_t operator[](Gpr index) const {
        return gpr[static_cast<std::size_t>(index)];
    }
    std::uint64_t& operator[](Gpr index) { return gpr[static_cast<std::size_t>(index)]; }
    bool operator==(const RegisterFile&) const = default;
};

}  // namespace trapgate::cpu

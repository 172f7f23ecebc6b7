// SPDX-License-Identifier: GPL-2.0-only
#include "emu/engine/cpuid.hpp"

namespace trapgate::emu {
namespace {

// Leaf 1, ECX (Intel SDM vol. 2, CPUID, table 3-10).
constexpr std::uint32_t kMonitor = 1U << 3;
constexpr std::uint32_t kFma = 1U << 12;
constexpr std::uint32_t kPcid = 1U << 17;
constexpr std::uint32_t kX2Apic = 1U << 21;
constexpr std::uint32_t kTscDeadline = 1U << 24;
constexpr std::uint32_t kAvx = 1U << 28;
constexpr std::uint32_t kF16c = 1U << 29;
constexpr std::uint32_t kHypervisor = 1U << 31;
// Leaf 1, EDX.
constexpr std::uint32_t kApic = 1U << 9;
// Leaf 7, EBX.
constexpr std::uint32_t kHle = 1U << 4;
constexpr std::uint32_t kHyperThreading = 1U << 28;
constexpr std::uint32_t kAvx2 = 1U << 5;
constexpr std::uint32_t kInvpcid = 1U << 10;
constexpr std::uint32_t kRtm = 1U << 11;
// XCR0: x87 and SSE state only.
constexpr std::uint32_t kSavedState = 3;
constexpr std::uint32_t kSavedBytes = 576;

}  // namespace

CpuidAnswer guest_cpuid(std::uint32_t leaf, std::uint32_t subleaf, CpuidAnswer answer,
                        CpuTopology topology) {
    switch (leaf) {
        case 1:
            answer.ecx &= ~(kMonitor | kFma | kPcid | kX2Apic | kAvx | kF16c);
            answer.ecx |= kHypervisor | kTscDeadline;
            answer.edx |= kApic;
            // APIC id, and how many of them the package has room for.
            answer.ebx = (answer.ebx & 0x0000'ffff) | (topology.count << 16) |
                         (topology.index << 24);
            answer.edx &= ~kHyperThreading;
            answer.edx |= topology.count > 1 ? kHyperThreading : 0;
            break;
        case 4:
            // One core each.
            answer.eax &= 0x0000'3fff;
            answer.eax |= (answer.eax & 0x1f) != 0 ? (topology.count - 1) << 26 : 0;
            break;
        case 0xb: answer = {}; break;
        case 7:
            if (subleaf == 0) {
                answer.ebx &= ~(kHle | kAvx2 | kInvpcid | kRtm);
            }
            break;
        case 0xd:
            if (subleaf == 0) {
                answer = {kSavedState, kSavedBytes, kSavedBytes, 0};
            } else if (subleaf > 1) {
                answer = {};
            }
            break;
        case kHypervisorLeaf:
            // "Trapgate", padded with zeroes to 12 bytes; no further leaves.
            answer = {kHypervisorLeaf, 0x7061'7254, 0x6574'6167, 0};
            break;
        default: break;
    }
    return answer;
}

}  // namespace trapgate::emu

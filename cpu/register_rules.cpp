// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/register_rules.hpp"

namespace trapgate::cpu {
namespace {

constexpr std::uint64_t bit(unsigned index) { return 1ULL << index; }

constexpr std::uint64_t kCr0Pe = bit(0), kCr0Nw = bit(29), kCr0Cd = bit(30), kCr0Pg = bit(31);
constexpr std::uint64_t kCr4Pae = bit(5);
constexpr std::uint64_t kEferSce = bit(0), kEferLme = bit(8), kEferLma = bit(10),
                        kEferNxe = bit(11);

std::uint64_t above(unsigned bits) { return ~0ULL << bits; }

/// WB, WT, WP, UC, WC; as an MTRR's.
bool is_memory_type(std::uint64_t type) {
    return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

template <class Rule>
bool each_byte(std::uint64_t value, Rule rule) {
    for (unsigned at = 0; at < 64; at += 8) {
        if (!rule((value >> at) & 0xff)) {
            return false;
        }
    }
    return true;
}

bool efer_takes(std::uint64_t value, const SystemState& now) {
    const std::uint64_t known = kEferSce | kEferLme | kEferLma | kEferNxe;
    const bool changes_mode = ((value ^ now.efer) & kEferLme) != 0;
    return (value & ~known) == 0 && !(changes_mode && (now.cr0 & kCr0Pg) != 0);
}

bool misc_enable_takes(std::uint64_t value) {
    constexpr std::uint64_t kKnown = bit(0) | bit(3) | bit(7) | bit(11) | bit(12) | bit(16) |
                                     bit(18) | bit(22) | bit(23) | bit(34) | bit(38);
    return (value & ~kKnown) == 0;
}

// Pairs: the base has a type, the mask a valid bit.
bool variable_mtrr_takes(bool mask, std::uint64_t value, const SystemState& now) {
    constexpr std::uint64_t kReservedInBase = 0xf00, kReservedInMask = 0x7ff;
    const std::uint64_t reserved = above(now.physical_bits) |
                                   (mask ? kReservedInMask : kReservedInBase);
    return (value & reserved) == 0 && (mask || is_memory_type(value & 0xff));
}

}  // namespace

std::uint64_t cr4_bits_of(std::uint32_t leaf1_ecx, std::uint32_t leaf1_edx, std::uint32_t leaf7_ebx,
                          std::uint32_t leaf7_ecx) {
    constexpr std::uint64_t kPce = bit(8), kOsxmmexcpt = bit(10);
    std::uint64_t bits = kPce;
    const auto add = [&bits](std::uint32_t leaf, unsigned feature, std::uint64_t what) {
        bits |= (leaf & bit(feature)) != 0 ? what : 0;
    };
    add(leaf1_edx, 1, bit(0) | bit(1));  // VME: VME, PVI
    add(leaf1_edx, 4, bit(2));           // TSC: TSD
    add(leaf1_edx, 2, bit(3));           // DE
    add(leaf1_edx, 3, bit(4));           // PSE
    add(leaf1_edx, 6, kCr4Pae);          // PAE
    add(leaf1_edx, 7, bit(6));           // MCE
    add(leaf1_edx, 13, bit(7));          // PGE
    add(leaf1_edx, 24, bit(9));          // FXSR: OSFXSR
    add(leaf1_edx, 25, kOsxmmexcpt);     // SSE
    add(leaf7_ecx, 2, bit(11));          // UMIP
    add(leaf1_ecx, 5, bit(13));          // VMX
    add(leaf1_ecx, 6, bit(14));          // SMX
    add(leaf7_ebx, 0, bit(16));          // FSGSBASE
    add(leaf1_ecx, 26, bit(18));         // XSAVE: OSXSAVE
    add(leaf7_ebx, 7, bit(20));          // SMEP
    add(leaf7_ebx, 20, bit(21));         // SMAP
    add(leaf7_ecx, 3, bit(22));          // PKU: PKE
    return bits;
}

bool cr0_takes(std::uint64_t value, const SystemState& now) {
    const bool paging = (value & kCr0Pg) != 0;
    if (value >> 32 != 0 || (paging && (value & kCr0Pe) == 0) ||
        ((value & kCr0Nw) != 0 && (value & kCr0Cd) == 0)) {
        return false;
    }
    if (!paging && now.code_64) {
        return false;
    }
    const bool starts_long_mode = paging && (now.cr0 & kCr0Pg) == 0 && (now.efer & kEferLme) != 0;
    return !starts_long_mode || (now.cr4 & kCr4Pae) != 0;
}

bool cr3_takes(std::uint64_t value, const SystemState& now) {
    return (value & above(now.physical_bits)) == 0;
}

bool cr4_takes(std::uint64_t value, const SystemState& now) {
    const bool leaves_long_mode = (now.efer & kEferLma) != 0 && (value & kCr4Pae) == 0;
    return (value & ~now.cr4_bits) == 0 && !leaves_long_mode;
}

bool cr8_takes(std::uint64_t value) { return value < 16; }

bool xcr_takes(std::uint32_t index, std::uint64_t value) {
    constexpr std::uint64_t kX87 = 1, kSse = 2;
    return index == 0 && (value & kX87) != 0 && (value & ~(kX87 | kSse)) == 0;
}

bool msr_takes(std::uint32_t index, std::uint64_t value, const SystemState& now) {
    constexpr std::uint32_t kFirstBank = 0x400, kLastBank = 0x427, kBankStatus = 1;
    switch (index) {
        case 0x34:                 // SMI_COUNT
        case 0xfe:                 // MTRRCAP
        case 0x179:                // MCG_CAP
        case 0x198: return false;  // PERF_STATUS
        case 0x175:                // SYSENTER_ESP
        case 0x176:                // SYSENTER_EIP
        case 0xc000'0082:          // LSTAR
        case 0xc000'0083:          // CSTAR
        case 0xc000'0100:          // FS_BASE
        case 0xc000'0101:          // GS_BASE
        case 0xc000'0102:          // KERNEL_GS_BASE
            return canonical(value);
        case 0x1a0: return misc_enable_takes(value);
        case 0x277:  // PAT: as MTRRs, and UC-
            return each_byte(value,
                             [](std::uint64_t type) { return is_memory_type(type) || type == 7; });
        case 0x250:  // MTRR_FIX*
        case 0x258:
        case 0x259: return each_byte(value, is_memory_type);
        case 0x2ff:  // MTRR_DEF_TYPE
            return (value & ~0xcffULL) == 0 && is_memory_type(value & 0xff);
        case 0xc000'0080: return efer_takes(value, now);
        case 0xc000'0103: return value >> 32 == 0;  // TSC_AUX
        default: break;
    }
    if (index >= 0x200 && index <= 0x20f) {
        return variable_mtrr_takes((index & 1) != 0, value, now);
    }
    if (index >= 0x268 && index <= 0x26f) {
        return each_byte(value, is_memory_type);
    }
    if (index >= kFirstBank && index <= kLastBank && (index & 3) == kBankStatus) {
        return value == 0;
    }
    return true;
}

}  // namespace trapgate::cpu

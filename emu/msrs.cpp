// SPDX-License-Identifier: GPL-2.0-only
#include "emu/msrs.hpp"

#include <algorithm>
#include <array>

namespace trapgate::emu {
namespace {

using namespace msr;

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

// What libunicorn implements for the CPU model; everything else it would read as 0.
constexpr std::array kEngineMsrs{
    Range{0x34, 0x34},                // SMI_COUNT
    Range{0x8b, 0x8b},                // BIOS_SIGN_ID
    Range{0xfe, 0xfe},                // MTRRCAP
    Range{0x174, 0x176},              // SYSENTER_*
    Range{0x179, 0x17b},              // MCG_CAP, MCG_STATUS, MCG_CTL
    Range{0x198, 0x198},              // PERF_STATUS
    Range{0x1a0, 0x1a0},              // MISC_ENABLE
    Range{0x200, 0x20f},              // MTRR_PHYS*
    Range{0x250, 0x250},              // MTRR_FIX64K
    Range{0x258, 0x259},              // MTRR_FIX16K
    Range{0x268, 0x26f},              // MTRR_FIX4K
    Range{0x277, 0x277},              // PAT
    Range{0x2ff, 0x2ff},              // MTRR_DEF_TYPE
    Range{0x400, 0x427},              // MC0_CTL ... MC9_MISC
    Range{0xc000'0080, 0xc000'0084},  // EFER, STAR, LSTAR, CSTAR, FMASK
    Range{0xc000'0100, 0xc000'0103},  // FS_BASE, GS_BASE, KERNEL_GS_BASE, TSC_AUX
};

constexpr std::array kMachineMsrs{kTsc,       kPlatformId,   kApicBase,
                                  kTscAdjust, kPlatformInfo, kTscDeadline};

}  // namespace

MsrOwner msr_owner(std::uint32_t index) {
    if (std::find(kMachineMsrs.begin(), kMachineMsrs.end(), index) != kMachineMsrs.end()) {
        return MsrOwner::Machine;
    }
    const bool engine = std::any_of(kEngineMsrs.begin(), kEngineMsrs.end(), [index](Range range) {
        return index >= range.first && index <= range.last;
    });
    return engine ? MsrOwner::Engine : MsrOwner::Nobody;
}

std::uint64_t MachineMsrs::read(std::uint32_t index, std::uint64_t tsc) const {
    switch (index) {
        case kTsc: return time_stamp(tsc);
        case kTscAdjust: return tsc_offset_;
        case kPlatformInfo: return 10ULL << 8;  // 10 x 100 MHz without turbo
        default: return 0;
    }
}

bool MachineMsrs::write(std::uint32_t index, std::uint64_t value, std::uint64_t tsc) {
    switch (index) {
        case kTsc: tsc_offset_ = value - tsc; return true;
        case kTscAdjust: tsc_offset_ = value; return true;
        default: return false;  // read-only
    }
}

}  // namespace trapgate::emu

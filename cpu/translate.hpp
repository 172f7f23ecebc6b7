// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Address translation as the CPU does it for an access: 4-level paging with every permission rule,
/// the error code of the page fault, and the accessed and dirty bits to set. Source: Intel SDM
/// vol. 3, 4.5 to 4.8. Physical addresses have 40 bits, and there are no 1 GiB pages, as CPUID says
/// of the machine's CPU; no protection keys.
///
/// What a walk merely finds, whoever asks, is in cpu/page_walk.hpp.

#include <cstdint>
#include <optional>

#include "cpu/page_walk.hpp"

namespace trapgate::cpu {

enum class Access : std::uint8_t { Read, Write, Fetch };

/// What decides about an access besides the tables.
struct PagingMode {
    std::uint64_t cr3 = 0;
    bool write_protect = true;   ///< CR0.WP
    bool no_execute = true;      ///< IA32_EFER.NXE
    bool smep = false;           ///< CR4.SMEP
    bool smap = false;           ///< CR4.SMAP
    bool user = false;           ///< CPL 3
    bool explicit_user = false;  ///< RFLAGS.AC, for an access of the program's own: SMAP lets it
                                 ///< pass.
};

/// Bits of a page fault's error code.
namespace page_fault {
inline constexpr std::uint32_t kPresent = 1U << 0;  ///< Rights; clear: an entry was not present.
inline constexpr std::uint32_t kWrite = 1U << 1;
inline constexpr std::uint32_t kUser = 1U << 2;
inline constexpr std::uint32_t kReserved = 1U << 3;  ///< A reserved bit was set in an entry.
inline constexpr std::uint32_t kFetch = 1U << 4;
}  // namespace page_fault

struct Translation {
    bool canonical = true;               ///< False: #GP or #SS, no page fault.
    std::optional<std::uint32_t> fault;  ///< The error code; nothing when the access is good.
    GuestPa address;                     ///< Of the byte, when the access is good.
    std::uint64_t page_bytes = 0;        ///< 4 KiB or 2 MiB, when the access is good.
    std::array<WalkStep, 4> updates{};   ///< Entries to be written, from PML4 down: accessed,
    unsigned update_count = 0;           ///< dirty. Upper ones also when a lower one faults.

    [[nodiscard]] bool good() const { return canonical && !fault; }
};

/// Bits that must be zero in a present entry of `level`; `leaf` when it maps a page.
constexpr std::uint64_t reserved_bits(unsigned level, bool leaf, bool no_execute) {
    constexpr std::uint64_t kAbovePhysical = 0x000f'ff00'0000'0000;  // bits 51..40
    constexpr std::uint64_t kBelowLargePage = 0x1f'e000;             // bits 20..13 of a 2 MiB page
    std::uint64_t bits = kAbovePhysical | (no_execute ? 0 : pte::kNoExecute);
    if (level >= 3) {
        bits |= pte::kLarge;
    } else if (level == 2 && leaf) {
        bits |= kBelowLargePage;
    }
    return bits;
}

/// Whether a page with these combined rights allows the access.
constexpr bool allows(const PagingMode& mode, Access access, bool page_writable, bool page_user,
                      bool page_no_execute) {
    if (mode.user) {
        return page_user && (access != Access::Write || page_writable) &&
               (access != Access::Fetch || !page_no_execute);
    }
    if (access == Access::Fetch) {
        return !page_no_execute && !(mode.smep && page_user);
    }
    if (mode.smap && page_user && !mode.explicit_user) {
        return false;
    }
    return access == Access::Read || page_writable || !mode.write_protect;
}

/// Translates `va` for an access. Changes nothing: the caller writes the updates.
template <PhysicalReader Reader>
[[nodiscard]] Translation translate(const Reader& memory, const PagingMode& mode, GuestVa va,
                                    Access access) {
    Translation result;
    if (!is_canonical(va)) {
        result.canonical = false;
        return result;
    }
    const bool tells_fetch = access == Access::Fetch && (mode.no_execute || mode.smep);
    const std::uint32_t code = (access == Access::Write ? page_fault::kWrite : 0) |
                               (mode.user ? page_fault::kUser : 0) |
                               (tells_fetch ? page_fault::kFetch : 0);
    const auto update = [&result](GuestPa at, std::uint64_t entry, std::uint64_t bits) {
        if ((entry & bits) != bits) {
            result.updates[result.update_count++] = {at, entry | bits};
        }
    };
    bool writable = true;
    bool user = true;
    bool no_execute = false;
    std::uint64_t table = mode.cr3 & pte::kAddressMask;
    for (unsigned level = 4;; --level) {
        const GuestPa at{table + 8ULL * table_index(va, level)};
        // Where nothing answers, the bus reads as ones.
        const std::uint64_t entry = memory.template read<std::uint64_t>(at).value_or(~0ULL);
        if ((entry & pte::kPresent) == 0) {
            result.fault = code;
            return result;
        }
        const bool leaf = level == 1 || (level == 2 && (entry & pte::kLarge) != 0);
        if ((entry & reserved_bits(level, leaf, mode.no_execute)) != 0) {
            result.fault = code | page_fault::kPresent | page_fault::kReserved;
            return result;
        }
        writable = writable && (entry & pte::kWritable) != 0;
        user = user && (entry & pte::kUser) != 0;
        no_execute = no_execute || (entry & pte::kNoExecute) != 0;
        if (!leaf) {
            update(at, entry, pte::kAccessed);
            table = entry & pte::kAddressMask;
            continue;
        }
        if (!allows(mode, access, writable, user, no_execute)) {
            result.fault = code | page_fault::kPresent;
            return result;
        }
        update(at, entry, pte::kAccessed | (access == Access::Write ? pte::kDirty : 0));
        result.page_bytes = 1ULL << (12 + 9 * (level - 1));
        const std::uint64_t offset = va.value & (result.page_bytes - 1);
        result.address = {(entry & pte::kAddressMask & ~(result.page_bytes - 1)) | offset};
        return result;
    }
}

}  // namespace trapgate::cpu

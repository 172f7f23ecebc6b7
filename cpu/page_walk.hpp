// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>

#include "base/address.hpp"

namespace trapgate::cpu {

/// Page-table entry bits (Intel SDM vol. 3, 4.5).
namespace pte {
inline constexpr std::uint64_t kPresent = 1U << 0;
inline constexpr std::uint64_t kWritable = 1U << 1;
inline constexpr std::uint64_t kUser = 1U << 2;
inline constexpr std::uint64_t kAccessed = 1U << 5;
inline constexpr std::uint64_t kDirty = 1U << 6;
inline constexpr std::uint64_t kLarge = 1U << 7;  ///< PS: maps a 2 MiB or 1 GiB page.
inline constexpr std::uint64_t kGlobal = 1U << 8;
inline constexpr std::uint64_t kNoExecute = 1ULL << 63;
inline constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;
}  // namespace pte

inline constexpr unsigned kEntriesPerTable = 512;

/// Index of `va` in the table of a level: 4 = PML4, 3 = PDPT, 2 = PD, 1 = PT.
constexpr unsigned table_index(GuestVa va, unsigned level) {
    return static_cast<unsigned>(va.value >> (12 + 9 * (level - 1))) & (kEntriesPerTable - 1);
}

/// Whether bits 63..47 are all equal (4-level paging).
constexpr bool is_canonical(GuestVa va) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(va.value << 16) >> 16) == va.value;
}

/// One level of a walk, for views.
struct WalkStep {
    GuestPa entry_address;
    std::uint64_t entry = 0;
};

/// The result of a 4-level walk.
struct Walk {
    std::array<WalkStep, 4> steps{};  ///< From PML4 down; `levels` of them are valid.
    unsigned levels = 0;
    bool present = false;
    GuestPa address;               ///< Of the byte asked for; valid when present.
    std::uint64_t page_bytes = 0;  ///< 4 KiB, 2 MiB or 1 GiB.
    bool writable = false, user = false, no_execute = false;  ///< Combined over all levels.
};

/// Reads 8 bytes of guest-physical memory; nothing where there is no memory.
template <class Reader>
concept PhysicalReader = requires(const Reader& reader, GuestPa pa) {
    { reader.template read<std::uint64_t>(pa) } -> std::same_as<std::optional<std::uint64_t>>;
};

/// Walks the 4-level tables below `cr3` without changing accessed and dirty bits. Permission bits
/// are reported, not enforced.
template <PhysicalReader Reader>
[[nodiscard]] Walk walk_page_tables(const Reader& memory, std::uint64_t cr3, GuestVa va) {
    Walk walk;
    if (!is_canonical(va)) {
        return walk;
    }
    walk.writable = true;
    walk.user = true;
    std::uint64_t table = cr3 & pte::kAddressMask;
    for (unsigned level = 4; level >= 1; --level) {
        const GuestPa at{table + 8ULL * table_index(va, level)};
        const std::optional<std::uint64_t> entry = memory.template read<std::uint64_t>(at);
        if (!entry) {
            return walk;
        }
        walk.steps[walk.levels++] = {at, *entry};
        if ((*entry & pte::kPresent) == 0) {
            return walk;
        }
        walk.writable = walk.writable && (*entry & pte::kWritable) != 0;
        walk.user = walk.user && (*entry & pte::kUser) != 0;
        walk.no_execute = walk.no_execute || (*entry & pte::kNoExecute) != 0;
        const bool leaf = level == 1 || (level <= 3 && (*entry & pte::kLarge) != 0);
        if (leaf) {
            walk.page_bytes = 1ULL << (12 + 9 * (level - 1));
            const std::uint64_t offset = va.value & (walk.page_bytes - 1);
            walk.address = {(*entry & pte::kAddressMask & ~(walk.page_bytes - 1)) | offset};
            walk.present = true;
            return walk;
        }
        table = *entry & pte::kAddressMask;
    }
    return walk;
}

}  // namespace trapgate::cpu

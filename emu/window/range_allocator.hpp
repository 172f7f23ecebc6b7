// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace trapgate::emu {

/// First-fit allocator of address ranges. Deterministic: the same calls give the same offsets.
class RangeAllocator {
public:
    explicit RangeAllocator(std::uint64_t bytes) { free_[0] = bytes; }

    /// Offset of `bytes` free bytes, aligned to `alignment` (a power of two) and not below
    /// `lowest`, or nothing.
    [[nodiscard]] std::optional<std::uint64_t> allocate(std::uint64_t bytes,
                                                        std::uint64_t alignment,
                                                        std::uint64_t lowest = 0);
    /// Gives back a whole allocation.
    void release(std::uint64_t offset);
    [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& used() const { return used_; }
    /// Takes the given ranges out of an allocator that has none in use; those that overlap another
    /// or the end are left out.
    void reserve(const std::map<std::uint64_t, std::uint64_t>& ranges);
    [[nodiscard]] std::uint64_t size_of(std::uint64_t offset) const { return used_.at(offset); }

private:
    std::map<std::uint64_t, std::uint64_t> free_;  // offset -> bytes, never adjacent
    std::map<std::uint64_t, std::uint64_t> used_;
};

}  // namespace trapgate::emu

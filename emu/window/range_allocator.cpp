// SPDX-License-Identifier: GPL-2.0-only
#include "emu/window/range_allocator.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace trapgate::emu {

std::optional<std::uint64_t> RangeAllocator::allocate(std::uint64_t bytes, std::uint64_t alignment,
                                                      std::uint64_t lowest) {
    if (bytes == 0) {
        return std::nullopt;
    }
    for (const auto& range : free_) {
        const auto [begin, size] = range;  // a copy: the entry is erased below
        const std::uint64_t aligned = (std::max(begin, lowest) + alignment - 1) & ~(alignment - 1);
        const std::uint64_t skipped = aligned - begin;
        if (size < skipped || size - skipped < bytes) {
            continue;
        }
        free_.erase(begin);
        if (skipped != 0) {
            free_[begin] = skipped;
        }
        if (size - skipped > bytes) {
            free_[aligned + bytes] = size - skipped - bytes;
        }
        used_[aligned] = bytes;
        return aligned;
    }
    return std::nullopt;
}

void RangeAllocator::reserve(const std::map<std::uint64_t, std::uint64_t>& ranges) {
    TG_CHECK(used_.empty() && free_.size() == 1, "ranges are reserved in a fresh allocator");
    std::uint64_t begin = free_.begin()->first;
    const std::uint64_t end = begin + free_.begin()->second;
    free_.clear();
    for (const auto& [offset, bytes] : ranges) {
        if (offset < begin || offset >= end || bytes == 0 || bytes > end - offset) {
            continue;
        }
        if (offset != begin) {
            free_[begin] = offset - begin;
        }
        used_[offset] = bytes;
        begin = offset + bytes;
    }
    if (begin != end) {
        free_[begin] = end - begin;
    }
}

void RangeAllocator::release(std::uint64_t offset) {
    const auto used = used_.find(offset);
    TG_CHECK(used != used_.end(), "release of a range that is not allocated");
    std::uint64_t begin = offset;
    std::uint64_t bytes = used->second;
    used_.erase(used);
    auto next = free_.lower_bound(begin);
    if (next != free_.end() && begin + bytes == next->first) {
        bytes += next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        const auto before = std::prev(next);
        if (before->first + before->second == begin) {
            before->second += bytes;
            return;
        }
    }
    free_[begin] = bytes;
}

}  // namespace trapgate::emu

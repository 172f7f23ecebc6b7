// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.hpp"

namespace trapgate::bpf {

/// Memory that host and guest both see. Position-independent content only: offsets, never pointers.
struct StorageBlock {
    std::byte* host = nullptr;
    std::uint64_t guest_va = 0;
    std::uint64_t bytes = 0;  ///< A mirrored tail counted once.
    int fd = -1;              ///< For mmap by others; fd_offset is page-aligned.
    std::uint64_t fd_offset = 0;
};

/// Where maps live: the probe window in a machine, the heap in tests of bpf's core alone.
class Storage {
public:
    virtual ~Storage() = default;
    /// Zeroed, in whole pages. The last `mirrored_tail` bytes (whole pages, or 0) appear a second
    /// time right behind the block, on both sides. ENOMEM when full.
    virtual Result<StorageBlock> allocate(std::uint64_t bytes, std::uint64_t mirrored_tail) = 0;
    virtual void release(const StorageBlock& block) = 0;
};

}  // namespace trapgate::bpf

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "emu/memory.hpp"
#include "emu/snapshot/machine_state.hpp"

namespace trapgate::emu {

/// Makes images of a machine's memory and puts them back. It keeps the image that memory was last
/// equal to, so that both cost only what changed since. Changes of RAM must be reported; the other
/// regions (the probe window's), which host and guest write alike, are compared page by page as far
/// as they are resident.
class MemoryImages {
public:
    explicit MemoryImages(const PhysicalMemory& memory) : memory_(memory) {}

    /// The host wrote to RAM.
    void touched(GuestPa pa, std::uint64_t bytes);

    /// `stored`: pages that the CPUs wrote to since the last call of this class.
    [[nodiscard]] std::vector<RegionImage> capture(std::span<const GuestPa> stored);

    /// Which pages of the window stay as they are, and what to do for each page that is written.
    struct Apply {
        std::function<bool(GuestPa page)> keep;
        std::function<void(GuestPa page)> changed;
    };
    /// Makes memory equal to `images` (of the same regions).
    void apply(const std::vector<RegionImage>& images, std::span<const GuestPa> stored,
               const Apply& how);

private:
    void capture_resident(std::size_t region);

    const PhysicalMemory& memory_;
    std::vector<RegionImage> last_;    ///< Empty before the first call.
    std::set<std::uint64_t> touched_;  ///< Pages of RAM, by number.
};

/// Calls `visit(index)` for each page of the region that is backed by memory; all others are zero.
void for_each_resident_page(const SharedRegion& region,
                            const std::function<void(std::uint64_t)>& visit);

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#include "emu/snapshot/memory_images.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "base/check.hpp"

namespace trapgate::emu {
namespace {

std::span<std::byte, kPageBytes> page_of(const SharedRegion& region, std::uint64_t index) {
    return region.bytes().subspan(index * kPageBytes).first<kPageBytes>();
}

}  // namespace

void for_each_resident_page(const SharedRegion& region,
                            const std::function<void(std::uint64_t)>& visit) {
    const auto size = static_cast<off_t>(region.bytes().size());
    off_t at = 0;
    while (at < size) {
        const off_t data = ::lseek(region.fd(), at, SEEK_DATA);
        if (data < 0) {
            TG_CHECK(errno == ENXIO, std::strerror(errno));  // Nothing but a hole is left.
            return;
        }
        const off_t hole = ::lseek(region.fd(), data, SEEK_HOLE);
        TG_CHECK(hole > data, std::strerror(errno));
        const auto first = static_cast<std::uint64_t>(data) / kPageBytes;
        const std::uint64_t end = page_align_up(static_cast<std::uint64_t>(hole)) / kPageBytes;
        for (std::uint64_t index = first; index < end; ++index) {
            visit(index);
        }
        at = hole;
    }
}

void MemoryImages::touched(GuestPa pa, std::uint64_t bytes) {
    if (!last_.empty() && bytes != 0) {
        for (std::uint64_t page = pa.value / kPageBytes;
             page <= (pa.value + bytes - 1) / kPageBytes; ++page) {
            touched_.insert(page);
        }
    }
}

void MemoryImages::capture_resident(std::size_t region) {
    const SharedRegion& storage = memory_.regions()[region].storage;
    PageImage& pages = last_[region].pages;
    std::vector<bool> resident(pages.pages());
    for_each_resident_page(storage, [&](std::uint64_t index) {
        resident[index] = true;
        pages.set(index, page_of(storage, index));
    });
    // Pages that were given back since read as zeroes.
    std::vector<std::uint64_t> gone;
    pages.for_each_page([&](std::uint64_t index, const Page&) {
        if (!resident[index]) {
            gone.push_back(index);
        }
    });
    static constexpr Page kZeroes{};
    for (const std::uint64_t index : gone) {
        pages.set(index, kZeroes);
    }
}

std::vector<RegionImage> MemoryImages::capture(std::span<const GuestPa> stored) {
    const std::span<const PhysicalMemory::Region> regions = memory_.regions();
    const bool first = last_.empty();
    if (first) {
        for (const PhysicalMemory::Region& region : regions) {
            last_.push_back({region.base, PageImage(region.storage.bytes().size() / kPageBytes)});
        }
    }
    for (const GuestPa page : stored) {
        touched(page, 1);
    }
    for (std::size_t i = 0; i < regions.size(); ++i) {
        if (first || !regions[i].in_e820) {
            capture_resident(i);
            continue;
        }
        const std::uint64_t base = regions[i].base.value / kPageBytes;
        const std::uint64_t pages = last_[i].pages.pages();
        for (auto page = touched_.lower_bound(base); page != touched_.end() && *page - base < pages;
             ++page) {
            last_[i].pages.set(*page - base, page_of(regions[i].storage, *page - base));
        }
    }
    touched_.clear();
    return last_;
}

void MemoryImages::apply(const std::vector<RegionImage>& images, std::span<const GuestPa> stored,
                         const Apply& how) {
    // What memory holds now is known best by making an image of it; what differs from the other
    // image then differs in memory.
    static_cast<void>(capture(stored));
    const std::span<const PhysicalMemory::Region> regions = memory_.regions();
    TG_CHECK(images.size() == regions.size(), "an image of other regions");
    for (std::size_t i = 0; i < regions.size(); ++i) {
        std::vector<std::uint64_t> kept;
        images[i].pages.for_each_difference(last_[i].pages, [&](std::uint64_t index) {
            const GuestPa pa = regions[i].base + index * kPageBytes;
            if (how.keep(pa)) {
                kept.push_back(index);
                return;
            }
            const std::span<std::byte, kPageBytes> memory = page_of(regions[i].storage, index);
            const Page* const wanted = images[i].pages.page(index);
            if (wanted != nullptr) {
                std::memcpy(memory.data(), wanted->data(), kPageBytes);
            } else {
                std::memset(memory.data(), 0, kPageBytes);
            }
            how.changed(pa);
        });
        last_[i].pages = images[i].pages;
        for (const std::uint64_t index : kept) {
            last_[i].pages.set(index, page_of(regions[i].storage, index));
        }
    }
}

}  // namespace trapgate::emu

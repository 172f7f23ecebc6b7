// SPDX-License-Identifier: GPL-2.0-only
#include "emu/snapshot/page_image.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace trapgate::emu {
namespace {

bool is_zero(std::span<const std::byte, kPageBytes> bytes) {
    // The first byte is zero and each byte equals the one before.
    return bytes[0] == std::byte{0} &&
           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace

PageImage::PageImage(std::uint64_t pages)
    : pages_(pages), groups_((pages + kGroupPages - 1) / kGroupPages) {}

const Page* PageImage::page(std::uint64_t index) const {
    TG_CHECK(index < pages_, "page of an image");
    const std::shared_ptr<Group>& group = groups_[index / kGroupPages];
    return group ? (*group)[index % kGroupPages].get() : nullptr;
}

bool PageImage::set(std::uint64_t index, std::span<const std::byte, kPageBytes> bytes) {
    const Page* const old = page(index);
    const bool zero = is_zero(bytes);
    if (old == nullptr ? zero : std::memcmp(old->data(), bytes.data(), kPageBytes) == 0) {
        return false;
    }
    std::shared_ptr<Group>& group = groups_[index / kGroupPages];
    if (!group) {
        group = std::make_shared<Group>();
    } else if (group.use_count() != 1) {
        group = std::make_shared<Group>(*group);
    }
    PagePtr& slot = (*group)[index % kGroupPages];
    slot.reset();
    if (!zero) {
        const auto page = std::make_shared<Page>();
        std::memcpy(page->data(), bytes.data(), kPageBytes);
        slot = page;
    }
    return true;
}

void PageImage::for_each_difference(const PageImage& other,
                                    const std::function<void(std::uint64_t)>& visit) const {
    TG_CHECK(pages_ == other.pages_, "images of different sizes");
    for (std::uint64_t g = 0; g < groups_.size(); ++g) {
        if (groups_[g] == other.groups_[g]) {
            continue;
        }
        const std::uint64_t last = std::min(pages_, (g + 1) * kGroupPages);
        for (std::uint64_t index = g * kGroupPages; index < last; ++index) {
            if (page(index) != other.page(index)) {
                visit(index);
            }
        }
    }
}

void PageImage::for_each_page(const std::function<void(std::uint64_t, const Page&)>& visit) const {
    for (std::uint64_t g = 0; g < groups_.size(); ++g) {
        if (!groups_[g]) {
            continue;
        }
        for (std::uint64_t i = 0; i < kGroupPages; ++i) {
            if (const PagePtr& page = (*groups_[g])[i]) {
                visit(g * kGroupPages + i, *page);
            }
        }
    }
}

std::uint64_t PageImage::pages_apart_from(const PageImage& other) const {
    std::uint64_t count = 0;
    for_each_difference(other,
                        [&](std::uint64_t index) { count += page(index) != nullptr ? 1 : 0; });
    return count;
}

std::uint64_t PageImage::stored_pages() const {
    std::uint64_t count = 0;
    for_each_page([&](std::uint64_t, const Page&) { ++count; });
    return count;
}

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/address.hpp"

namespace trapgate::emu {

using Page = std::array<std::byte, kPageBytes>;
using PagePtr = std::shared_ptr<const Page>;

/// The contents of a memory region at one moment, in immutable pages. Copies share pages and whole
/// groups of them, so a copy costs little and a changed page costs itself. Pages of zeroes are not
/// stored.
class PageImage {
public:
    explicit PageImage(std::uint64_t pages = 0);

    [[nodiscard]] std::uint64_t pages() const { return pages_; }
    /// Null for zeroes.
    [[nodiscard]] const Page* page(std::uint64_t index) const;
    /// Takes over new contents; shares what is there when they are equal. True when they differed.
    bool set(std::uint64_t index, std::span<const std::byte, kPageBytes> bytes);

    /// Calls `visit(index)` for each page that is not the same object in both images (of the same
    /// size), in ascending order. Equal contents in different objects are visited too.
    void for_each_difference(const PageImage& other,
                             const std::function<void(std::uint64_t)>& visit) const;
    /// Calls `visit(index, page)` for each stored page.
    void for_each_page(const std::function<void(std::uint64_t, const Page&)>& visit) const;

    /// Pages that this image does not share with the other.
    [[nodiscard]] std::uint64_t pages_apart_from(const PageImage& other) const;
    [[nodiscard]] std::uint64_t stored_pages() const;

private:
    static constexpr std::uint64_t kGroupPages = 512;
    using Group = std::array<PagePtr, kGroupPages>;

    std::uint64_t pages_;
    std::vector<std::shared_ptr<Group>> groups_;  ///< Null: all zeroes. Copied before a change.
};

}  // namespace trapgate::emu

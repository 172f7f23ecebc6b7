// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace trapgate::emu {

/// A memfd mapped into the host, page-aligned; other processes can map the descriptor too.
class SharedRegion {
public:
    /// `bytes` is rounded up to pages; memory is zero and allocated on first touch.
    static Result<SharedRegion> create(const char* name, std::uint64_t bytes);
    SharedRegion(SharedRegion&& other) noexcept;
    SharedRegion& operator=(SharedRegion&&) = delete;
    SharedRegion(const SharedRegion&) = delete;
    SharedRegion& operator=(const SharedRegion&) = delete;
    ~SharedRegion();

    [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }
    [[nodiscard]] int fd() const { return fd_.get(); }

private:
    SharedRegion(UniqueFd fd, std::byte* data, std::size_t size);
    UniqueFd fd_;
    std::byte* data_;
    std::size_t size_;
};

/// Guest-physical memory: RAM and the probe window's regions. Devices are not memory. Host writes
/// to pages that hold translated code must go through Machine::write_physical, which also
/// invalidates.
class PhysicalMemory {
public:
    struct Region {
        GuestPa base;
        SharedRegion storage;
        bool in_e820;  ///< RAM that the guest is told of; false for the probe window.
    };

    /// Adds a region; must not overlap another (our own bug otherwise).
    void add(GuestPa base, SharedRegion storage, bool in_e820);
    [[nodiscard]] std::span<const Region> regions() const { return regions_; }

    /// Host view of [pa, pa + bytes); empty when any part is not memory.
    [[nodiscard]] std::span<std::byte> view(GuestPa pa, std::uint64_t bytes) const;

    template <class T>
    [[nodiscard]] std::optional<T> read(GuestPa pa) const {
        static_assert(std::is_trivially_copyable_v<T>);
        const std::span<std::byte> from = view(pa, sizeof(T));
        if (from.empty()) {
            return std::nullopt;
        }
        T value;
        std::memcpy(&value, from.data(), sizeof(T));
        return value;
    }

private:
    std::vector<Region> regions_;
};

}  // namespace trapgate::emu

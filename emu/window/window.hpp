// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/memory.hpp"
#include "emu/window/range_allocator.hpp"

namespace trapgate::emu {

/// Where the probe window lies. Text is in Linux's module range, within +-2 GiB of any kernel text
/// at or above 0xffffffff80000000; data has its own range under the same top-level entry
/// (PML4[511]). Physical addresses are outside every e820 map.
inline constexpr GuestVa kWindowTextVa{0xffff'ffff'f000'0000};
inline constexpr std::uint64_t kWindowTextBytes = 16ULL << 20;
inline constexpr GuestPa kWindowTextPa{0x80'0000'0000};
inline constexpr GuestVa kWindowDataVa{0xffff'ffa0'0000'0000};
inline constexpr std::uint64_t kWindowDataBytes = 1ULL << 30;
inline constexpr GuestPa kWindowDataPa{0x81'0000'0000};
/// Page tables of the window itself. A guest that walks its own page tables (Linux does, to look
/// for pages that are writable and executable) must be able to read them where it sees physical
/// memory; what lies between the frame buffer and the BIOS is mapped there by every kernel and is
/// RAM to none.
inline constexpr GuestPa kWindowTablesPa{0xc'0000};
inline constexpr std::uint64_t kWindowTablesBytes = 192ULL << 10;
/// Data blocks from this size on are made of large pages, for which no tables are needed; smaller
/// ones have kWindowSmallDataBytes for themselves.
inline constexpr std::uint64_t kWindowLargePage = 2ULL << 20;
inline constexpr std::uint64_t kWindowSmallDataBytes = 76ULL << 20;

/// A piece of the window, seen from both sides.
struct WindowBlock {
    std::byte* host = nullptr;
    GuestVa va;
    GuestPa pa;
    std::uint64_t bytes = 0;  ///< Usable bytes from `host` and `va`, a mirrored tail counted once.
    /// Data only: the memfd and the offset in it, page-aligned, for mmap by others.
    int fd = -1;
    std::uint64_t fd_offset = 0;
    bool operator==(const WindowBlock&) const = default;
};

/// What is allocated: offset -> bytes, of text and of data.
struct WindowUse {
    std::map<std::uint64_t, std::uint64_t> text;
    std::map<std::uint64_t, std::uint64_t> data;
    bool operator==(const WindowUse&) const = default;

    /// Whether the data at `offset` belongs to the same block here and there.
    [[nodiscard]] bool same_data_at(const WindowUse& other, std::uint64_t offset) const;

    template <class Archive>
    void fields(Archive& archive) {
        archive.list(text, data);
    }
};

/// The memory outside the guest's e820 map that holds everything the host puts into the guest. Text
/// blocks are mapped read-execute, data blocks read-write-no-execute, never both; unused pages are
/// not mapped. Allocation is deterministic: the same calls give the same addresses.
class ProbeWindow {
public:
    /// Adds the window's regions to the machine's physical memory.
    static Result<std::unique_ptr<ProbeWindow>> create(PhysicalMemory& memory);
    ~ProbeWindow();
    ProbeWindow(const ProbeWindow&) = delete;
    ProbeWindow& operator=(const ProbeWindow&) = delete;

    /// Code space, 16-byte aligned; the caller writes through Machine::write_text. ENOMEM when
    /// full.
    [[nodiscard]] Result<WindowBlock> allocate_text(std::uint64_t bytes);
    void free_text(const WindowBlock& block);

    /// Zeroed data in whole pages. The last `mirrored_tail` bytes (a multiple of a page, or 0)
    /// appear a second time right behind the block, for the guest and for the host pointer alike,
    /// as ring buffers need. ENOMEM when full.
    [[nodiscard]] Result<WindowBlock> allocate_data(std::uint64_t bytes,
                                                    std::uint64_t mirrored_tail = 0);
    void free_data(const WindowBlock& block);

    /// The entries that a page-table root needs in its PML4[511] sub-tree are written; true when
    /// that changed anything (the caller then flushes the TLB). Errors: the root has no PML4[511]
    /// (ENOENT), or the guest uses the window's place (EBUSY).
    [[nodiscard]] Result<bool> map_into(PhysicalMemory& memory, GuestPa pml4);

    [[nodiscard]] WindowUse in_use() const { return {text_space_.used(), data_space_.used()}; }
    /// Keeps ranges from being allocated, in a window in which nothing is. Ranges that cannot be
    /// are left out.
    void reserve(const WindowUse& use);

    /// Called when a page of the window is no longer mapped.
    void set_unmap_listener(std::function<void()> listener) { on_unmap_ = std::move(listener); }

    [[nodiscard]] static bool contains(GuestVa va) {
        return text_contains(va) || (va >= kWindowDataVa && va - kWindowDataVa < kWindowDataBytes);
    }
    [[nodiscard]] static bool text_contains(GuestVa va) {
        return va >= kWindowTextVa && va - kWindowTextVa < kWindowTextBytes;
    }

private:
    ProbeWindow() = default;
    void map_data(std::uint64_t offset, std::uint64_t bytes, std::uint64_t mirrored_tail);
    void unmap_data(std::uint64_t offset, std::uint64_t bytes);
    [[nodiscard]] std::uint64_t* data_directory() const;
    [[nodiscard]] std::uint64_t* text_entry(std::uint64_t offset) const;
    [[nodiscard]] std::uint64_t* data_entry(std::uint64_t offset) const;

    std::byte* text_ = nullptr;
    std::byte* data_ = nullptr;
    std::byte* tables_ = nullptr;
    int data_fd_ = -1;
    RangeAllocator text_space_{kWindowTextBytes};
    RangeAllocator data_space_{kWindowDataBytes};
    std::vector<std::uint16_t> text_users_;  ///< Blocks in each text page.
    /// Host views of blocks with a mirrored tail: block offset -> (address, bytes).
    std::map<std::uint64_t, std::pair<void*, std::size_t>> mirrors_;
    std::function<void()> on_unmap_;
};

}  // namespace trapgate::emu

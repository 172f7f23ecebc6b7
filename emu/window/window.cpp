// SPDX-License-Identifier: GPL-2.0-only
#include "emu/window/window.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>

#include <fmt/format.h>

#include "base/check.hpp"
#include "cpu/page_walk.hpp"

namespace trapgate::emu {
namespace {

using namespace cpu::pte;

// Layout of the tables region, in pages: one page directory for text, one for data, then the page
// tables.
constexpr std::uint64_t kTextDirectory = 0;
constexpr std::uint64_t kDataDirectory = kPageBytes;
constexpr std::uint64_t kTextTables = 2 * kPageBytes;
constexpr std::uint64_t kTextTableCount = kWindowTextBytes / kWindowLargePage;
constexpr std::uint64_t kDataTables = kTextTables + kTextTableCount * kPageBytes;
constexpr std::uint64_t kDataTableCount = kWindowSmallDataBytes / kWindowLargePage;
static_assert(kDataTables + kDataTableCount * kPageBytes <= kWindowTablesBytes);
static_assert(kWindowSmallDataBytes % kWindowLargePage == 0);
static_assert(kWindowDataBytes / kWindowLargePage <= cpu::kEntriesPerTable);

std::uint64_t table_entry(std::uint64_t offset_in_tables) {
    return (kWindowTablesPa.value + offset_in_tables) | kPresent | kWritable;
}

// What is left when the CPU has set its accessed bit.
std::uint64_t without_accessed(std::uint64_t entry) { return entry & ~(kAccessed | kDirty); }

enum class Placed : std::uint8_t { Written, AlreadyThere, Taken };

// Puts `entry` into an empty slot of a guest table.
Placed place(std::uint64_t* slot, std::uint64_t entry) {
    if ((*slot & kPresent) == 0) {
        *slot = entry;
        return Placed::Written;
    }
    return without_accessed(*slot) == entry ? Placed::AlreadyThere : Placed::Taken;
}

std::uint64_t* table_at(const PhysicalMemory& memory, std::uint64_t entry) {
    const std::span<std::byte> page = memory.view(GuestPa{entry & kAddressMask}, kPageBytes);
    return page.empty() ? nullptr : reinterpret_cast<std::uint64_t*>(page.data());
}

auto place_taken() {
    return fail("the guest itself uses the addresses of the probe window",
                fmt::format("{:#x}", kWindowTextVa.value), "boot the guest without KASLR?", EBUSY);
}

auto window_full(const char* part, std::uint64_t bytes) {
    return fail(fmt::format("no room for {} bytes of {}", bytes, part), "probe window",
                "remove probes, programs or maps that are no longer needed", ENOMEM);
}

}  // namespace

Result<std::unique_ptr<ProbeWindow>> ProbeWindow::create(PhysicalMemory& memory) {
    std::unique_ptr<ProbeWindow> window(new ProbeWindow());
    const auto add = [&](const char* name, GuestPa pa, std::uint64_t bytes, std::byte*& host) {
        return SharedRegion::create(name, bytes).map([&](SharedRegion region) {
            host = region.bytes().data();
            const int fd = region.fd();
            memory.add(pa, std::move(region), false);
            return fd;
        });
    };
    return add("trapgate-window-text", kWindowTextPa, kWindowTextBytes, window->text_)
        .and_then([&](int) {
            return add("trapgate-window-data", kWindowDataPa, kWindowDataBytes, window->data_);
        })
        .and_then([&](int fd) {
            window->data_fd_ = fd;
            return add("trapgate-window-tables", kWindowTablesPa, kWindowTablesBytes,
                       window->tables_);
        })
        .map([&](int) {
            auto* const text = reinterpret_cast<std::uint64_t*>(window->tables_ + kTextDirectory);
            auto* const data = reinterpret_cast<std::uint64_t*>(window->tables_ + kDataDirectory);
            for (std::uint64_t i = 0; i < kTextTableCount; ++i) {
                text[cpu::table_index(kWindowTextVa, 2) + i] = table_entry(kTextTables +
                                                                           i * kPageBytes);
            }
            for (std::uint64_t i = 0; i < kDataTableCount; ++i) {
                data[i] = table_entry(kDataTables + i * kPageBytes);
            }
            window->text_users_.resize(kWindowTextBytes / kPageBytes);
            return std::move(window);
        });
}

ProbeWindow::~ProbeWindow() {
    for (const auto& [offset, view] : mirrors_) {
        ::munmap(view.first, view.second);
    }
}

std::uint64_t* ProbeWindow::data_directory() const {
    return reinterpret_cast<std::uint64_t*>(tables_ + kDataDirectory);
}

bool WindowUse::same_data_at(const WindowUse& other, std::uint64_t offset) const {
    const auto behind = data.upper_bound(offset);
    if (behind == data.begin()) {
        return false;
    }
    const auto block = std::prev(behind);
    if (offset - block->first >= block->second) {
        return false;
    }
    const auto same = other.data.find(block->first);
    return same != other.data.end() && same->second == block->second;
}

void ProbeWindow::reserve(const WindowUse& use) {
    text_space_.reserve(use.text);
    data_space_.reserve(use.data);
    for (const auto& [offset, bytes] : text_space_.used()) {
        for (std::uint64_t page = offset / kPageBytes; page * kPageBytes < offset + bytes; ++page) {
            ++text_users_[page];
        }
    }
}

std::uint64_t* ProbeWindow::text_entry(std::uint64_t offset) const {
    return reinterpret_cast<std::uint64_t*>(tables_ + kTextTables) + offset / kPageBytes;
}

std::uint64_t* ProbeWindow::data_entry(std::uint64_t offset) const {
    return reinterpret_cast<std::uint64_t*>(tables_ + kDataTables) + offset / kPageBytes;
}

Result<WindowBlock> ProbeWindow::allocate_text(std::uint64_t bytes) {
    constexpr std::uint64_t kTextAlignment = 16;
    const std::optional<std::uint64_t> offset = text_space_.allocate(bytes, kTextAlignment);
    if (!offset) {
        return window_full("text", bytes);
    }
    for (std::uint64_t page = *offset / kPageBytes; page * kPageBytes < *offset + bytes; ++page) {
        ++text_users_[page];
        *text_entry(page * kPageBytes) = (kWindowTextPa.value + page * kPageBytes) | kPresent;
    }
    return WindowBlock{
        text_ + *offset, kWindowTextVa + *offset, kWindowTextPa + *offset, bytes, -1, 0};
}

void ProbeWindow::free_text(const WindowBlock& block) {
    const std::uint64_t offset = block.va - kWindowTextVa;
    const std::uint64_t bytes = text_space_.size_of(offset);
    text_space_.release(offset);
    bool unmapped = false;
    for (std::uint64_t page = offset / kPageBytes; page * kPageBytes < offset + bytes; ++page) {
        if (--text_users_[page] == 0) {
            *text_entry(page * kPageBytes) = 0;
            unmapped = true;
        }
    }
    if (unmapped && on_unmap_) {
        on_unmap_();
    }
}

void ProbeWindow::map_data(std::uint64_t offset, std::uint64_t bytes, std::uint64_t mirrored_tail) {
    constexpr std::uint64_t kFlags = kPresent | kWritable | kNoExecute;
    if (offset >= kWindowSmallDataBytes) {
        for (std::uint64_t at = offset; at < offset + bytes; at += kWindowLargePage) {
            data_directory()[at / kWindowLargePage] = (kWindowDataPa.value + at) | kFlags | kLarge;
        }
        return;
    }
    for (std::uint64_t at = 0; at < bytes + mirrored_tail; at += kPageBytes) {
        const std::uint64_t from = at < bytes ? at : at - mirrored_tail;
        *data_entry(offset + at) = (kWindowDataPa.value + offset + from) | kFlags;
    }
}

void ProbeWindow::unmap_data(std::uint64_t offset, std::uint64_t bytes) {
    if (offset >= kWindowSmallDataBytes) {
        for (std::uint64_t at = offset; at < offset + bytes; at += kWindowLargePage) {
            data_directory()[at / kWindowLargePage] = 0;
        }
        return;
    }
    for (std::uint64_t at = 0; at < bytes; at += kPageBytes) {
        *data_entry(offset + at) = 0;
    }
}

Result<WindowBlock> ProbeWindow::allocate_data(std::uint64_t bytes, std::uint64_t mirrored_tail) {
    TG_CHECK(mirrored_tail % kPageBytes == 0 && mirrored_tail <= bytes, "mirrored tail");
    if (bytes > kWindowDataBytes) {
        return window_full("data", bytes);
    }
    const std::uint64_t size = page_align_up(bytes);
    TG_CHECK(mirrored_tail == 0 || size == bytes, "a block with a mirrored tail is whole pages");
    const bool large = mirrored_tail == 0 && size >= kWindowLargePage;
    const std::optional<std::uint64_t> offset = large ? data_space_.allocate(
                                                            (size + kWindowLargePage - 1) &
                                                                ~(kWindowLargePage - 1),
                                                            kWindowLargePage, kWindowSmallDataBytes)
                                                      : data_space_.allocate(size + mirrored_tail,
                                                                             kPageBytes);
    if (offset && !large && *offset + size + mirrored_tail > kWindowSmallDataBytes) {
        data_space_.release(*offset);
        return window_full("small data", bytes);
    }
    if (!offset) {
        return window_full("data", bytes);
    }
    std::byte* host = data_ + *offset;
    if (mirrored_tail != 0) {
        const std::size_t all = size + mirrored_tail;
        void* const view = ::mmap(nullptr, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        constexpr int kFlags = MAP_SHARED | MAP_FIXED;
        constexpr int kAccess = PROT_READ | PROT_WRITE;
        const auto at = [&](std::uint64_t n) { return static_cast<std::byte*>(view) + n; };
        if (view == MAP_FAILED ||
            ::mmap(view, size, kAccess, kFlags, data_fd_, static_cast<off_t>(*offset)) ==
                MAP_FAILED ||
            ::mmap(at(size), mirrored_tail, kAccess, kFlags, data_fd_,
                   static_cast<off_t>(*offset + size - mirrored_tail)) == MAP_FAILED) {
            data_space_.release(*offset);
            return window_full("host address space for data", bytes);
        }
        mirrors_[*offset] = {view, all};
        host = static_cast<std::byte*>(view);
    }
    map_data(*offset, size, mirrored_tail);
    return WindowBlock{host,   kWindowDataVa + *offset, kWindowDataPa + *offset, bytes, data_fd_,
                       *offset};
}

void ProbeWindow::free_data(const WindowBlock& block) {
    const std::uint64_t offset = block.va - kWindowDataVa;
    const std::uint64_t bytes = data_space_.size_of(offset);
    data_space_.release(offset);
    if (const auto mirror = mirrors_.find(offset); mirror != mirrors_.end()) {
        ::munmap(mirror->second.first, mirror->second.second);
        mirrors_.erase(mirror);
    }
    unmap_data(offset, bytes);
    // The next owner finds zeroes.
    const int punched = ::fallocate(data_fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                    static_cast<off_t>(offset), static_cast<off_t>(bytes));
    TG_CHECK(punched == 0, std::strerror(errno));
    if (on_unmap_) {
        on_unmap_();
    }
}

Result<bool> ProbeWindow::map_into(PhysicalMemory& memory, GuestPa pml4) {
    const std::uint64_t* const root = table_at(memory, pml4.value);
    constexpr unsigned kTop = cpu::kEntriesPerTable - 1;
    if (root == nullptr || (root[kTop] & kPresent) == 0) {
        return fail("the current page tables map no kernel (PML4[511] is empty)",
                    fmt::format("CR3 {:#x}", pml4.value), "run the guest further first", ENOENT);
    }
    std::uint64_t* const pdpt = table_at(memory, root[kTop]);
    if (pdpt == nullptr) {
        return fail("PML4[511] points outside memory", fmt::format("CR3 {:#x}", pml4.value), {},
                    EFAULT);
    }
    const Placed data = place(&pdpt[cpu::table_index(kWindowDataVa, 3)],
                              table_entry(kDataDirectory));
    if (data == Placed::Taken) {
        return place_taken();
    }
    bool changed = data == Placed::Written;
    std::uint64_t* const text_slot = &pdpt[cpu::table_index(kWindowTextVa, 3)];
    const Placed whole = place(text_slot, table_entry(kTextDirectory));
    if (whole != Placed::Taken) {
        return changed || whole == Placed::Written;
    }
    // The guest has a directory of its own there: share it.
    std::uint64_t* const directory = (*text_slot & kLarge) != 0 ? nullptr
                                                                : table_at(memory, *text_slot);
    if (directory == nullptr) {
        return place_taken();
    }
    for (std::uint64_t i = 0; i < kTextTableCount; ++i) {
        const Placed table = place(&directory[cpu::table_index(kWindowTextVa, 2) + i],
                                   table_entry(kTextTables + i * kPageBytes));
        if (table == Placed::Taken) {
            return place_taken();
        }
        changed = changed || table == Placed::Written;
    }
    return changed;
}

}  // namespace trapgate::emu

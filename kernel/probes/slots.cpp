// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/slots.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint8_t kInt3 = 0xcc;

}  // namespace

SlotPages::~SlotPages() {
    for (const Page& page : pages_) {
        machine_.window().free_text(page.text);
    }
}

std::size_t SlotPages::Page::count(State state) const {
    return static_cast<std::size_t>(std::ranges::count(slots, state));
}

Result<GuestVa> SlotPages::allocate() {
    Position position = find_clean();
    if (position.page == nullptr) {
        const std::array live{machine_.cpu().rip()};
        collect(live);
        position = find_clean();
    }
    if (position.page == nullptr) {
        if (Result<void> added = add_page(); !added) {
            return tl::unexpected(added.error());
        }
        position = find_clean();
    }
    position.page->slots[position.index] = State::Used;
    return position.page->text.va + position.index * kSlotBytes;
}

void SlotPages::write(GuestVa slot, std::span<const std::uint8_t> code) {
    TG_CHECK(code.size() <= kSlotBytes, "code is larger than a slot");
    const Position position = find(slot);
    std::array<std::byte, kSlotBytes> bytes;
    bytes.fill(std::byte{kInt3});
    std::ranges::transform(code, bytes.begin(), [](std::uint8_t b) { return std::byte{b}; });
    machine_.write_text(position.page->text, position.index * kSlotBytes, bytes);
}

void SlotPages::release(GuestVa slot) {
    const Position position = find(slot);
    TG_CHECK(position.page->slots[position.index] == State::Used, "slot released twice");
    position.page->slots[position.index] = State::Dirty;
}

void SlotPages::collect(std::span<const GuestVa> live_rips) {
    for (auto page = pages_.begin(); page != pages_.end();) {
        for (std::size_t i = 0; i < kSlotsPerPage; ++i) {
            const GuestVa slot = page->text.va + i * kSlotBytes;
            const bool live = std::ranges::any_of(
                live_rips, [slot](GuestVa rip) { return slot_of(rip) == slot; });
            if (page->slots[i] == State::Dirty && !live) {
                page->slots[i] = State::Clean;
            }
        }
        if (page->count(State::Clean) == kSlotsPerPage && pages_.size() > 1) {
            machine_.window().free_text(page->text);
            page = pages_.erase(page);
        } else {
            ++page;
        }
    }
}

SlotPages::Usage SlotPages::usage() const {
    Usage out;
    for (const Page& page : pages_) {
        ++out.pages;
        out.clean += page.count(State::Clean);
        out.dirty += page.count(State::Dirty);
        out.used += page.count(State::Used);
    }
    return out;
}

SlotPages::Position SlotPages::find(GuestVa slot) {
    for (Page& page : pages_) {
        if (slot >= page.text.va && slot - page.text.va < kPageBytes) {
            return {&page, (slot - page.text.va) / kSlotBytes};
        }
    }
    TG_CHECK(false, "address is not in a slot page");
    return {};
}

SlotPages::Position SlotPages::find_clean() {
    for (Page& page : pages_) {
        const auto* free = std::ranges::find(page.slots, State::Clean);
        if (free != page.slots.end()) {
            return {&page, static_cast<std::size_t>(free - page.slots.begin())};
        }
    }
    return {};
}

Result<void> SlotPages::add_page() {
    const Result<emu::WindowBlock> text = machine_.window().allocate_text(kPageBytes);
    if (!text) {
        return tl::unexpected(text.error());
    }
    if (Result<void> mapped = machine_.map_window(); !mapped) {
        machine_.window().free_text(*text);
        return mapped;
    }
    pages_.push_back(Page{.text = *text, .slots = {}});
    return {};
}

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
// Pages of instruction slots in window text. A slot holds the copy of one displaced instruction and
// what follows it. As in kernel/kprobes.c, a slot is clean (free), used, or dirty: given back, but
// perhaps still under some CPU's RIP. Dirty ones become clean when no CPU is in them; a page
// without used or dirty slots goes back, but for the last one.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/machine.hpp"

namespace trapgate::kernel {

/// Room for the longest instruction (15), or for what stands in for a CALL, and a 5-byte jump; a
/// power of two so that the slot of an address is found by masking.
inline constexpr std::uint64_t kSlotBytes = 32;
inline constexpr std::size_t kSlotsPerPage = kPageBytes / kSlotBytes;

class SlotPages {
public:
    /// The machine must outlive it.
    explicit SlotPages(emu::Machine& machine) : machine_(machine) {}
    ~SlotPages();
    SlotPages(const SlotPages&) = delete;
    SlotPages& operator=(const SlotPages&) = delete;

    /// A clean slot, mapped for the guest. ENOMEM when the window has no more text.
    [[nodiscard]] Result<GuestVa> allocate();
    /// Fills a used slot from its start; the rest becomes int3.
    void write(GuestVa slot, std::span<const std::uint8_t> code);
    /// Gives a slot back; it is dirty until collect() finds it unused.
    void release(GuestVa slot);
    /// Cleans the dirty slots that hold none of `live_rips`, and gives back all empty pages but
    /// one.
    void collect(std::span<const GuestVa> live_rips);

    [[nodiscard]] static GuestVa slot_of(GuestVa rip) { return {rip.value & ~(kSlotBytes - 1)}; }

    struct Usage {
        std::size_t pages = 0, clean = 0, dirty = 0, used = 0;
        bool operator==(const Usage&) const = default;
    };
    [[nodiscard]] Usage usage() const;

private:
    enum class State : std::uint8_t { Clean, Dirty, Used };
    struct Page {
        emu::WindowBlock text;
        std::array<State, kSlotsPerPage> slots{};
        [[nodiscard]] std::size_t count(State state) const;
    };
    struct Position {
        Page* page = nullptr;
        std::size_t index = 0;
    };

    [[nodiscard]] Position find(GuestVa slot);
    [[nodiscard]] Position find_clean();
    Result<void> add_page();

    emu::Machine& machine_;
    std::list<Page> pages_;
};

}  // namespace trapgate::kernel

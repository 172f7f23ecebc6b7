// SPDX-License-Identifier: GPL-2.0-only
// Guest memory as the host sees it, and the bytes of it that the host owns.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/check.hpp"
#include "cpu/page_walk.hpp"
#include "emu/pc_machine.hpp"

namespace trapgate::emu {
namespace {

constexpr std::byte kInt3{0xcc};

}  // namespace

std::optional<GuestPa> PcMachine::translate(GuestVa va) const {
    const cpu::Walk walk = cpu::walk_page_tables(memory_, engine().cr3(), va);
    return walk.present ? std::optional(walk.address) : std::nullopt;
}

std::optional<GuestPa> PcMachine::locate(GuestVa va) const {
    const std::optional<GuestPa> mapped = translate(va);
    return mapped ? mapped : loaded_at(va);
}

std::optional<GuestPa> PcMachine::loaded_at(GuestVa va) const {
    for (const KernelImage::Range& range : kernel_.ranges) {
        if (va >= range.linked && va - range.linked < range.bytes) {
            return range.loaded + (va - range.linked);
        }
    }
    return std::nullopt;
}

std::optional<GuestPa> PcMachine::locate_for(unsigned index, GuestVa va) const {
    constexpr std::uint64_t kPaging = 1ULL << 31;
    const cpu::RegisterFile registers = cpu(index).registers();
    if ((registers.cr0 & kPaging) == 0) {
        return GuestPa{va.value};
    }
    const cpu::Walk walk = cpu::walk_page_tables(memory_, registers.cr3, va);
    return walk.present ? std::optional(walk.address) : loaded_at(va);
}

bool PcMachine::read(GuestVa va, std::span<std::byte> to) const {
    return read_at(va, to, [this](GuestVa at) { return translate(at); });
}

bool PcMachine::peek(unsigned cpu, GuestVa va, std::span<std::byte> to) const {
    return read_at(va, to, [this, cpu](GuestVa at) { return locate_for(cpu, at); });
}

template <class Where>
bool PcMachine::read_at(GuestVa va, std::span<std::byte> to, const Where& where) const {
    std::size_t done = 0;
    while (done < to.size()) {
        const GuestVa at = va + done;
        const std::size_t step = std::min<std::size_t>(to.size() - done,
                                                       kPageBytes - at.value % kPageBytes);
        const std::optional<GuestPa> pa = where(at);
        const std::span<std::byte> from = pa ? memory_.view(*pa, step) : std::span<std::byte>{};
        if (from.empty()) {
            return false;
        }
        std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(done));
        done += step;
    }
    for (auto planted = planted_.lower_bound(va.value);
         planted != planted_.end() && planted->first - va.value < to.size(); ++planted) {
        to[planted->first - va.value] = planted->second.original;
    }
    if (read_overlay_) {
        read_overlay_(va, to);
    }
    return true;
}

bool PcMachine::write(GuestVa va, std::span<const std::byte> from) {
    return write_at(va, from, [this](GuestVa at) { return translate(at); });
}

bool PcMachine::poke(unsigned cpu, GuestVa va, std::span<const std::byte> from) {
    return write_at(va, from, [this, cpu](GuestVa at) { return locate_for(cpu, at); });
}

template <class Where>
bool PcMachine::write_at(GuestVa va, std::span<const std::byte> from, const Where& where) {
    for (std::size_t done = 0; done < from.size();) {  // All or nothing.
        const GuestVa at = va + done;
        const std::optional<GuestPa> pa = where(at);
        if (!pa || memory_.view(*pa, 1).empty()) {
            return false;
        }
        done += std::min<std::size_t>(from.size() - done, kPageBytes - at.value % kPageBytes);
    }
    for (std::size_t done = 0; done < from.size();) {
        const GuestVa at = va + done;
        const std::size_t step = std::min<std::size_t>(from.size() - done,
                                                       kPageBytes - at.value % kPageBytes);
        const GuestPa pa = *where(at);
        std::memcpy(memory_.view(pa, step).data(), from.data() + done, step);
        images_.touched(pa, step);
        engine().invalidate_code(pa, step);
        done += step;
    }
    for (auto planted = planted_.lower_bound(va.value);
         planted != planted_.end() && planted->first - va.value < from.size(); ++planted) {
        planted->second.original = from[planted->first - va.value];
        memory_.view(planted->second.pa, 1)[0] = kInt3;
    }
    return true;
}

void PcMachine::write_text(const WindowBlock& block, std::uint64_t offset,
                           std::span<const std::byte> from) {
    TG_CHECK(offset <= block.bytes && from.size() <= block.bytes - offset, "text block overflow");
    std::memcpy(block.host + offset, from.data(), from.size());
    const std::uint64_t at = block.va + offset - kWindowTextVa;
    for (std::uint64_t i = 0; !displaced_.empty() && i < from.size(); ++i) {
        displaced_[at + i] = false;
    }
    engine().invalidate_code(block.pa + offset, from.size());
}

Result<void> PcMachine::map_window() {
    window_mapped_ = true;
    return window_->map_into(memory_, GuestPa{engine().cr3() & cpu::pte::kAddressMask})
        .map([this](bool changed) {
            if (changed) {
                note_window_entries();
                flush_tlbs();
            }
        });
}

void PcMachine::note_window_entries() {
    GuestPa table{engine().cr3() & cpu::pte::kAddressMask};
    for (unsigned level = 4; level >= 2; --level) {
        images_.touched(table, kPageBytes);
        const auto entry = memory_.read<std::uint64_t>(table +
                                                       8 * cpu::table_index(kWindowTextVa, level));
        if (!entry) {
            return;
        }
        table = GuestPa{*entry & cpu::pte::kAddressMask};
    }
}

void PcMachine::add_window_trap(GuestVa va, TrapHandler handler) {
    TG_CHECK(ProbeWindow::text_contains(va), "a window trap lies in window text");
    const bool added = window_traps_.emplace(va.value, std::move(handler)).second;
    TG_CHECK(added, "two traps at one address of the window");
}

void PcMachine::remove_window_trap(GuestVa va) { window_traps_.erase(va.value); }

void PcMachine::set_window_origin(std::function<GuestVa(GuestVa rip)> origin) {
    window_origin_ = std::move(origin);
}

unsigned PcMachine::add_window_fault_handler(std::function<bool(const ExceptionEvent&)> handler) {
    window_fault_handlers_[next_fault_handler_] = std::move(handler);
    return next_fault_handler_++;
}

void PcMachine::remove_window_fault_handler(unsigned number) {
    window_fault_handlers_.erase(number);
}

void PcMachine::mark_displaced(GuestVa va, std::uint64_t bytes) {
    displaced_.resize(kWindowTextBytes);
    for (std::uint64_t i = 0; i < bytes; ++i) {
        displaced_[va - kWindowTextVa + i] = true;
    }
}

void PcMachine::count_displaced(bool transfer) {
    if (config_.probe_cost == ProbeCost::Free) {
        engine().count_instruction(transfer);
    }
}

bool PcMachine::counts_instruction(GuestVa pc) const {
    return config_.probe_cost == ProbeCost::Charged ||
           (!displaced_.empty() && displaced_[pc - kWindowTextVa]);
}

void PcMachine::set_read_overlay(std::function<void(GuestVa, std::span<std::byte>)> overlay) {
    read_overlay_ = std::move(overlay);
}

Result<void> PcMachine::plant(GuestVa va, TrapHandler handler, TrapCost cost) {
    if (planted_.contains(va.value)) {
        return fail("a probe or breakpoint stands there already", kernel_.symbols.describe(va), {},
                    EBUSY);
    }
    const std::optional<GuestPa> pa = locate(va);
    const std::span<std::byte> byte = pa ? memory_.view(*pa, 1) : std::span<std::byte>{};
    if (byte.empty()) {
        return fail("the address is not mapped", fmt::format("{:#x}", va.value),
                    "has the kernel set up its page tables yet?", EFAULT);
    }
    planted_[va.value] = {*pa, byte[0], std::move(handler), cost};
    byte[0] = kInt3;
    engine().invalidate_code(*pa, 1);
    return {};
}

void PcMachine::unplant(GuestVa va) {
    const auto planted = planted_.find(va.value);
    if (planted == planted_.end()) {
        return;
    }
    std::byte& byte = memory_.view(planted->second.pa, 1)[0];
    if (byte == kInt3) {  // Else the guest has written something else there by now.
        byte = planted->second.original;
        engine().invalidate_code(planted->second.pa, 1);
    }
    planted_.erase(planted);
}

void PcMachine::set_exception_notifier(std::function<bool(const ExceptionEvent&)> notifier) {
    exception_notifier_ = std::move(notifier);
}

bool PcMachine::notify_exception(const ExceptionEvent& event) {
    if (!exception_notifier_) {
        return false;
    }
    ExceptionEvent seen = event;
    seen.rip = engine().rip();
    return exception_notifier_(seen);
}

bool PcMachine::intercept_exception(const ExceptionEvent& event) {
    const bool breakpoint = event.vector == static_cast<std::uint8_t>(cpu::Vector::Breakpoint) &&
                            event.software;
    if (!breakpoint) {
        const bool taken = ProbeWindow::text_contains(event.rip) &&
                           std::ranges::any_of(window_fault_handlers_, [&](const auto& entry) {
                               return entry.second(event);
                           });
        return taken || notify_exception(event);
    }
    const GuestVa at = event.rip - 1;
    const TrapHandler* handler = nullptr;
    if (const auto trap = window_traps_.find(at.value); trap != window_traps_.end()) {
        handler = &trap->second;
    } else if (const auto planted = planted_.find(at.value); planted != planted_.end()) {
        handler = &planted->second.handler;
        if (planted->second.cost == TrapCost::Free || config_.probe_cost == ProbeCost::Free) {
            engine().uncount_instruction();
        }
    }
    if (handler == nullptr) {
        return notify_exception(event);
    }
    engine().set_rip(at);
    const TrapHandler keep = *handler;  // It may remove itself.
    keep(*this);
    return true;
}

}  // namespace trapgate::emu

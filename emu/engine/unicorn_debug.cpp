// SPDX-License-Identifier: GPL-2.0-only
// Data watchpoints, the host's and those in the guest's debug registers (Intel SDM vol. 3, chapter
// 17), execution breakpoints, and RF.
//
// Data watchpoints: the library calls in front of each access to a watched page, in the middle of a
// block. The instruction is then restarted in a block of its own, makes its access, and the next
// block's start is where "behind the instruction" is. Its own EXCP_DEBUG would do neither exactly.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "cpu/debug_registers.hpp"
#include "cpu/decode.hpp"
#include "cpu/insn_length.hpp"
#include "cpu/memory_reads.hpp"
#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"

namespace trapgate::emu {

void UnicornEngine::set_watchpoints(std::span<const Watchpoint> watchpoints) {
    watches_.set_host(watchpoints);
    flush_tlb();
}

// What the library passes is exact but for unaligned accesses: a load comes as the two aligned
// words around it, and a store first as a range that may be nonsense but begins right, then byte by
// byte.
void UnicornEngine::check_watched_access(std::uint64_t va, std::uint64_t bytes, unsigned kind,
                                         std::uintptr_t host_pc) {
    constexpr std::uint64_t kMaxStore = 8;
    const bool exact = std::has_single_bit(bytes) && bytes <= kMaxStore && va % bytes == 0;
    const std::uint64_t at_most = exact ? bytes : kMaxStore;
    if (!watches_.match(va, at_most, kind).any()) {
        return;
    }
    const bool by_instruction = host_pc != 0 && block_->bytes != 0;
    if (by_instruction) {
        isolate_instruction(host_pc);  // Comes back only in a block of its own.
    }
    if (!exact) {
        return;
    }
    constexpr auto kRead = static_cast<unsigned>(WatchKind::Read);
    const WatchMatch match = by_instruction && kind == kRead ? match_read(va, bytes)
                                                             : watches_.match(va, bytes, kind);
    if (match.host && !watch_hit_) {
        watch_hit_ = match.host;
    }
    guest_hits_ |= match.guest;
    if (match.any()) {
        hook_deadline_.store(0, std::memory_order_relaxed);
    }
}

WatchMatch UnicornEngine::match_read(std::uint64_t va, std::uint64_t bytes) const {
    constexpr auto kRead = static_cast<unsigned>(WatchKind::Read);
    if (code_size() != cpu::CodeSize::Bits64) {
        return watches_.match(va, bytes, kRead);
    }
    std::array<std::byte, cpu::kMaxInsnBytes> code{};
    const std::size_t got = fetch(linear_rip(), code);
    const cpu::RegisterFile file = registers();
    const std::vector<cpu::MemoryRange> reads = cpu::memory_reads(
        std::span<const std::byte>(code).first(got), GuestVa{state_.eip()},
        {file.gpr, file.fs.base, file.gs.base});
    bool known = false;
    WatchMatch match;
    for (const cpu::MemoryRange& read : reads) {
        const std::uint64_t first = std::max(va, read.va.value);
        const std::uint64_t last = std::min(va + bytes, read.va.value + read.bytes);
        if (first < last) {
            known = true;
            const WatchMatch part = watches_.match(first, last - first, kRead);
            match.guest |= part.guest;
            match.host = match.host ? match.host : part.host;
        }
    }
    return known ? match : watches_.match(va, bytes, kRead);
}

void UnicornEngine::synchronize(std::uintptr_t host_pc) {
    cpu_restore_state_x86_64(state_.cpu_state(), host_pc, false);
}

void UnicornEngine::refresh_guest_debug() {
    std::array<std::uint64_t, 4> addresses{};
    const std::uint64_t dr7 = state_.debug_register(7);
    has_execution_breakpoints_ = false;
    for (unsigned i = 0; i < addresses.size(); ++i) {
        addresses[i] = state_.debug_register(i);
        const cpu::DebugCondition condition = cpu::debug_condition(dr7, i);
        has_execution_breakpoints_ |= condition.enabled &&
                                      condition.type == cpu::DebugCondition::Type::Execute;
    }
    if (watches_.set_guest(addresses, dr7)) {
        flush_tlb();
    }
}

void UnicornEngine::debug_registers_changed() { refresh_guest_debug(); }

void UnicornEngine::do_debug_work(const BlockInfo& info) {
    auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    if (resume_flag_work_) {
        // RF covers one instruction, all iterations of it. It is part of what a translation depends
        // on, and a whole block would run under it.
        const bool set = (eflags & cpu::rflags::kRf) != 0;
        if (!set || (resumed_at_ && *resumed_at_ != info.pc)) {
            resume_flag_work_ = false;
            resumed_at_.reset();
            state_.set_env(env_offset::kEflags, eflags & ~cpu::rflags::kRf);
            if (set) {
                abandon_block();
            }
        } else if (info.instructions > 1) {
            state_.limit_next_block(1);
            abandon_block();
        } else {
            resumed_at_ = info.pc;
        }
    }
    if (watch_hit_) {
        host_.watchpoint_hit(*std::exchange(watch_hit_, std::nullopt));
    }
    // In the shadow of the MOV SS that made the access, the trap waits for the instruction behind.
    if (guest_hits_ != 0 && (state_.hflags() & hflag::kInhibitIrq) == 0) {
        raise_debug(0, 0);
    }
}

void UnicornEngine::raise_debug(std::uint64_t dr6_bits, std::uintptr_t host_pc) {
    debug_fault_ = (dr6_bits & cpu::dr6::kAccessDetected) != 0;
    const std::uint64_t dr6 = state_.debug_register(6);
    state_.set_debug_register(6, (dr6 & ~cpu::dr6::kConditions) | dr6_bits);
    raise_exception_err_ra_x86_64(state_.env_pointer(), static_cast<int>(cpu::Vector::Debug), 0,
                                  host_pc);
}

void UnicornEngine::note_debug_exception() {
    if (guest_hits_ != 0) {
        const std::uint64_t others = state_.debug_register(6) & ~cpu::dr6::kConditions;
        state_.set_debug_register(6, others | std::exchange(guest_hits_, 0));
    }
}

std::uint64_t UnicornEngine::execution_breakpoints_at(std::uint64_t pc) const {
    std::uint64_t hits = 0;
    const std::uint64_t dr7 = state_.debug_register(7);
    for (unsigned i = 0; i < 4; ++i) {
        const cpu::DebugCondition condition = cpu::debug_condition(dr7, i);
        const bool hit = condition.enabled &&
                         condition.type == cpu::DebugCondition::Type::Execute &&
                         state_.debug_register(i) == pc;
        hits |= hit ? 1ULL << i : 0;
    }
    return hits;
}

// The library's own way out of there ends the run.
void UnicornEngine::meet_execution_breakpoint() {
    raise_debug(execution_breakpoints_at(linear_rip()), 0);
}

// INT1 is no instruction to the library. Its #DB is a trap and leaves DR6 as it is.
void UnicornEngine::raise_debug_if_int1() {
    std::array<std::byte, 1> code{};
    if (fetch(linear_rip(), code) == 1 && code[0] == std::byte{0xf1}) {
        state_.set_eip(state_.eip() + 1);
        ++instructions_;
        ++transfers_;
        raise_debug(state_.debug_register(6) & cpu::dr6::kConditions, 0);
    }
}

void UnicornEngine::detect_debug_access(std::uintptr_t host_pc) {
    if ((state_.debug_register(7) & cpu::dr7::kGeneralDetect) != 0) {
        synchronize(host_pc);
        raise_debug(cpu::dr6::kAccessDetected, host_pc);
    }
}

void UnicornEngine::check_debug_value(int index, std::uint64_t value, std::uintptr_t host_pc) {
    if (index >= 4 && value >> 32 != 0) {
        raise_exception_err_ra_x86_64(state_.env_pointer(),
                                      static_cast<int>(cpu::Vector::GeneralProtection), 0, host_pc);
    }
}

void UnicornEngine::returned_from_interrupt() {
    const auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    if ((eflags & cpu::rflags::kRf) == 0) {
        return;
    }
    if (has_execution_breakpoints_) {
        resume_flag_work_ = true;
        resumed_at_.reset();
        hook_deadline_.store(0, std::memory_order_relaxed);
    } else {
        // Nobody can tell; set, it would last to the end of an unspecified block.
        state_.set_env(env_offset::kEflags, eflags & ~cpu::rflags::kRf);
    }
}

}  // namespace trapgate::emu

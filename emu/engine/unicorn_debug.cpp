// SPDX-License-Identifier: GPL-2.0-only
// Data watchpoints. The library calls in front of each access to a watched page, in the middle of a
// block. The instruction is then restarted in a block of its own, makes its access, and the next
// block's start is where "behind the instruction" is. Its own EXCP_DEBUG would do neither exactly.
#include <algorithm>
#include <array>
#include <bit>

#include "cpu/decode.hpp"
#include "cpu/memory_reads.hpp"
#include "emu/engine/unicorn_engine.hpp"

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
    const bool by_instruction = host_pc != 0 && block_bytes_ != 0;
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
        hook_deadline_.store(0, std::memory_order_relaxed);
    }
}

WatchMatch UnicornEngine::match_read(std::uint64_t va, std::uint64_t bytes) const {
    constexpr auto kRead = static_cast<unsigned>(WatchKind::Read);
    if (code_size() != cpu::CodeSize::Bits64) {
        return watches_.match(va, bytes, kRead);
    }
    std::array<std::byte, cpu::kMaxInsnBytes> code{};
    const std::size_t got = fetch(state_.eip(), code);
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

}  // namespace trapgate::emu

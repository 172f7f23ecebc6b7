// SPDX-License-Identifier: GPL-2.0-only
// The CPU's state as bytes. CPUX86State up to its reset marker (what uc_context_save copies) is
// plain data but for two things that hold host addresses: the breakpoints that DR0-DR3 installed,
// and the return address of the last helper. MTRRs and machine-check banks lie behind the marker
// and are saved as MSRs.
#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "cpu/debug_registers.hpp"
#include "emu/engine/active_scope.hpp"
#include "emu/engine/saved_env.hpp"
#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"
#include "emu/snapshot/archive.hpp"

namespace trapgate::emu {
namespace {

// What uc_context_save puts in front of its copy.
constexpr std::size_t kContextHeader = 40;
constexpr std::size_t kHostAddress = sizeof(void*);
constexpr std::uint32_t kDr7Fixed = 0x400;

// Error code, whether it was INT n, and the next instruction: of exceptions that were delivered.
constexpr std::size_t kExceptionBytes = 16;
constexpr std::uint64_t kNowhere = ~0ULL;

// The library computes flags late, from the last operation's operands, and earlier where a block
// ends: a state must not depend on that.
void write_out_flags(std::span<std::byte> env, std::uint64_t rflags) {
    constexpr std::uint64_t kArithmetic = 0x8d5;  // OF SF ZF AF PF CF
    constexpr std::uint32_t kInOperand = 1;       // cc_op: cc_src holds the flags themselves.
    const std::array<std::uint64_t, 3> operands{0, rflags & kArithmetic, 0};
    std::memcpy(env.data() + env_offset::kCcDst, operands.data(), sizeof(operands));
    std::memcpy(env.data() + env_offset::kCcOp, &kInOperand, sizeof(kInOperand));
}

struct MsrRange {
    std::uint32_t first;
    std::uint32_t last;
};
constexpr std::array kMsrsBehindTheMarker{
    MsrRange{0x17b, 0x17b},                                                  // MCG_CTL
    MsrRange{0x200, 0x20f},                                                  // MTRR_PHYS*
    MsrRange{0x250, 0x250}, MsrRange{0x258, 0x259}, MsrRange{0x268, 0x26f},  // MTRR_FIX*
    MsrRange{0x2ff, 0x2ff},                                                  // MTRR_DEF_TYPE
    MsrRange{0x400, 0x427},                                                  // MC0_CTL ... MC9_MISC
};

}  // namespace

void UnicornEngine::save_state(StateWriter& to) const {
    const std::span<std::byte> env = state_.saved_env(uc_context_size(uc_) - kContextHeader);
    std::vector<std::byte> copy(env.begin(), env.end());
    std::ranges::fill(std::span(copy).subspan(state_.breakpoints_offset(), 4 * kHostAddress),
                      std::byte{0});
    std::ranges::fill(std::span(copy).last(kHostAddress), std::byte{0});
    write_out_flags(copy, rflags());
    forget_float_leftovers(copy);
    std::ranges::fill(std::span(copy).subspan(state_.exception_offset(), kExceptionBytes),
                      std::byte{0});
    std::vector<std::uint64_t> msrs;
    for (const MsrRange range : kMsrsBehindTheMarker) {
        for (std::uint32_t index = range.first; index <= range.last; ++index) {
            msrs.push_back(msr(index));
        }
    }
    const std::uint64_t nmi = nmi_pending_ ? 1 : 0;
    const std::uint64_t hits = guest_hits_;
    const std::uint64_t resuming = resume_flag_work_ ? 1 : 0;
    const std::uint64_t resumed_at = resumed_at_.value_or(kNowhere);
    to("cpu", 2, instructions_, transfers_, copy, msrs, nmi, hits, resuming, resumed_at);
}

void UnicornEngine::load_state(StateReader& from) {
    const ActiveScope scope(*this);
    const std::span<std::byte> env = state_.saved_env(uc_context_size(uc_) - kContextHeader);
    std::uint64_t instructions = 0;
    std::uint64_t transfers = 0;
    std::vector<std::byte> copy;
    std::vector<std::uint64_t> msrs;
    std::uint64_t nmi = 0;
    std::uint64_t hits = 0;
    std::uint64_t resuming = 0;
    std::uint64_t resumed_at = kNowhere;
    from("cpu", 2, instructions, transfers, copy, msrs, nmi, hits, resuming, resumed_at);
    std::size_t msr_count = 0;
    for (const MsrRange range : kMsrsBehindTheMarker) {
        msr_count += range.last - range.first + 1;
    }
    from.check(copy.size() == env.size() && msrs.size() == msr_count,
               "it is of another CPU engine");
    if (!from.ok()) {
        return;
    }
    const std::string_view mistake = mistake_in_env(copy);
    from.check(mistake.empty(), mistake);
    if (!from.ok()) {
        return;
    }
    // Breakpoints go with the old registers and come with the new ones.
    cpu_x86_update_dr7_x86_64(state_.env_pointer(), kDr7Fixed);
    const std::size_t kept_from = state_.breakpoints_offset();
    const std::size_t kept_to = kept_from + 4 * kHostAddress;
    std::copy_n(copy.begin(), kept_from, env.begin());
    std::copy(copy.begin() + static_cast<std::ptrdiff_t>(kept_to), copy.end(),
              env.begin() + static_cast<std::ptrdiff_t>(kept_to));
    // The library makes its arithmetic's modes of the control words.
    const auto x87_control = state_.env<std::uint16_t>(env_offset::kX87Control);
    const auto mxcsr = state_.env<std::uint32_t>(env_offset::kMxcsr);
    uc_reg_write(uc_, UC_X86_REG_FPCW, &x87_control);
    uc_reg_write(uc_, UC_X86_REG_MXCSR, &mxcsr);
    const auto dr7 = static_cast<std::uint32_t>(state_.debug_register(7));
    state_.set_debug_register(7, kDr7Fixed);
    cpu_x86_update_dr7_x86_64(state_.env_pointer(), dr7);
    auto value = msrs.begin();
    for (const MsrRange range : kMsrsBehindTheMarker) {
        for (std::uint32_t index = range.first; index <= range.last; ++index) {
            set_msr(index, *value++);
        }
    }
    instructions_ = instructions;
    transfers_ = transfers;
    forget_block();
    pass_.reset();
    passed_.reset();
    watch_hit_.reset();
    nmi_pending_ = nmi != 0;
    guest_hits_ = static_cast<std::uint8_t>(hits & cpu::dr6::kConditions);
    resume_flag_work_ = resuming != 0;
    resumed_at_ = resumed_at == kNowhere ? std::nullopt : std::optional(resumed_at);
    uc_ctl_flush_tlb(uc_);
}

void UnicornEngine::note_store(std::uint64_t ram_offset) {
    const std::uint64_t page = ram_offset / kPageBytes;
    if (page < stored_.size() && !stored_[page]) {
        stored_[page] = true;
        stored_pages_.push_back(page);
    }
}

void UnicornEngine::note_walker_store(std::uint64_t pa) {
    for (const RamBlock& block : ram_blocks_) {
        if (pa >= block.base && pa - block.base < block.bytes) {
            note_store(block.ram_offset + (pa - block.base));
        }
    }
}

std::vector<GuestPa> UnicornEngine::take_stored_pages() {
    std::vector<GuestPa> pages;
    for (const std::uint64_t page : stored_pages_) {
        stored_[page] = false;
        for (const RamBlock& block : ram_blocks_) {
            const std::uint64_t offset = page * kPageBytes;
            if (offset >= block.ram_offset && offset - block.ram_offset < block.bytes) {
                pages.push_back({block.base + (offset - block.ram_offset)});
            }
        }
    }
    stored_pages_.clear();
    // The next store to each page is caught again.
    for (const RamBlock& block : ram_blocks_) {
        tlb_reset_dirty_x86_64(state_.cpu_state(), reinterpret_cast<std::uint64_t>(block.host),
                               block.bytes);
    }
    return pages;
}

}  // namespace trapgate::emu

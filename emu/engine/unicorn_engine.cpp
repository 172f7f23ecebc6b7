// SPDX-License-Identifier: GPL-2.0-only
// Running, counting and delivering: see engine.hpp for the rules.
#include "emu/engine/unicorn_engine.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.hpp"
#include "cpu/insn_length.hpp"
#include "emu/engine/active_scope.hpp"
#include "emu/engine/unicorn_internals.hpp"

namespace trapgate::emu {
namespace {

thread_local UnicornEngine* active_engine = nullptr;

constexpr std::int32_t kDoubleFaultPending = 8;  // old_exception after an undeliverable #DF

}  // namespace

ActiveScope::ActiveScope(UnicornEngine& engine) : outer_(std::exchange(active_engine, &engine)) {}

ActiveScope::~ActiveScope() { active_engine = outer_; }

UnicornEngine* UnicornEngine::active() { return active_engine; }

EngineExit UnicornEngine::run() {
    TG_CHECK(active_engine == nullptr, "engines do not nest");
    stop_requested_ = false;
    at_breakpoint_ = false;
    watch_hit_.reset();
    refresh_guest_debug();
    state_.forget_old_exception();
    forget_block();
    refresh_hook_deadline();
    const uc_err error = [this] {
        const ActiveScope scope(*this);
        return uc_emu_start(uc_, state_.eip(), 0, 0, 0);
    }();
    // The CPU was led out of all memory.
    const bool lost = error == UC_ERR_FETCH_UNMAPPED || error == UC_ERR_READ_UNMAPPED ||
                      error == UC_ERR_WRITE_UNMAPPED;
    TG_CHECK(error == UC_ERR_OK || lost, uc_strerror(error));
    given_up_ = given_up_ || lost;
    if (std::exchange(given_up_, false)) {
        delivery_.reset();
        barren_exceptions_ = 0;
        return EngineExit::TripleFault;
    }
    if (stop_requested_) {
        return at_breakpoint_ ? EngineExit::Breakpoint : EngineExit::Stopped;
    }
    return state_.old_exception() == kDoubleFaultPending ? EngineExit::TripleFault
                                                         : EngineExit::Halted;
}

void UnicornEngine::stop() {
    stop_requested_ = true;
    hook_deadline_.store(0, std::memory_order_relaxed);
}

void UnicornEngine::give_up() {
    given_up_ = true;
    stop();
    uc_emu_stop(uc_);
    cpu_loop_exit_noexc_x86_64(state_.cpu_state());
}

void UnicornEngine::poke() {
    poked_.store(true, std::memory_order_relaxed);
    hook_deadline_.store(0, std::memory_order_release);
}

void UnicornEngine::set_deadline(std::uint64_t instructions) {
    deadline_ = instructions;
    refresh_hook_deadline();
}

void UnicornEngine::set_interrupt_line(bool asserted) {
    interrupt_line_ = asserted;
    refresh_hook_deadline();
}

void UnicornEngine::set_interrupt_hold(GuestVa begin, GuestVa end) {
    hold_begin_ = begin;
    hold_end_ = end;
}

void UnicornEngine::refresh_hook_deadline() {
    const bool slow = interrupt_line_ || nmi_pending_ || stop_requested_ || debug_work_pending();
    hook_deadline_.store(slow ? 0 : std::min(deadline_, BlockInfo::kSlow - 1),
                         std::memory_order_relaxed);
    if (poked_.load(std::memory_order_acquire)) {
        hook_deadline_.store(0, std::memory_order_relaxed);
    }
}

bool UnicornEngine::interruptible() const { return interruptible_at(linear_rip()); }

bool UnicornEngine::interruptible_at(std::uint64_t pc) const {
    // IF is not one of the lazily kept flags: eflags holds it.
    const auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    const bool held = pc >= hold_begin_.value && pc < hold_end_.value;
    return (eflags & cpu::rflags::kIf) != 0 && (state_.hflags() & hflag::kInhibitIrq) == 0 && !held;
}

void UnicornEngine::abandon_block() {
    forget_block();
    cpu_loop_exit_noexc_x86_64(state_.cpu_state());
}

void UnicornEngine::look_closer(BlockInfo& info, std::uint64_t pc, std::uint32_t bytes) {
    if (!info.described) [[unlikely]] {
        describe_block(info, pc, bytes);
    }
    if (pc == block_->repeat_pc) {
        --instructions_;  // The REP instruction before did not end: it is the same one again.
        if (info.has_breakpoint) {
            pass_ = here(pc);  // Only the first round stops.
        }
    }
    if (info.has_breakpoint ||
        instructions_ + info.instructions > hook_deadline_.load(std::memory_order_relaxed)) {
        enter_block_slowly(info);
    } else {
        count_block(info);
    }
}

void UnicornEngine::set_breakpoints(std::vector<GuestVa> addresses) {
    if (addresses != breakpoints_) {
        breakpoints_ = std::move(addresses);
        breakpoints_changed_ = true;
        blocks_.forget_descriptions();
    }
}

void UnicornEngine::enter_block_slowly(const BlockInfo& entered) {
    const BlockInfo info = entered;  // The host may have it described anew.
    const std::uint64_t pc = info.pc;
    // Where the host looks, RIP is the next instruction and no block is current.
    set_linear_rip(pc);
    forget_block();
    breakpoints_changed_ = false;
    if (debug_work_pending()) {
        do_debug_work(info);
    }
    if (poked_.exchange(false, std::memory_order_acquire) || instructions_ >= deadline_) {
        host_.deadline_reached();
        TG_CHECK(stop_requested_ || deadline_ > instructions_,
                 "the host must move the deadline or stop");
    }
    if (stop_requested_) {
        uc_emu_stop(uc_);
        abandon_block();
    }
    if (nmi_pending_ && nmi_ready_at(pc)) {
        deliver_nmi();
    }
    if (interrupt_line_ && interruptible_at(pc)) {
        if (const std::optional<std::uint8_t> vector = host_.acknowledge_interrupt()) {
            deliver_interrupt(*vector);
        }
    }
    refresh_hook_deadline();
    if (breakpoints_changed_) {
        abandon_block();
    }
    if (info.starts_at_breakpoint && linear_rip() == pc && pass_ != here(pc)) {
        at_breakpoint_ = true;
        stop();
        uc_emu_stop(uc_);
        abandon_block();
    }
    const std::uint32_t cut = cut_of(info, deadline_ - instructions_);
    if (info.all > cut) {
        state_.limit_next_block(cut);
        abandon_block();
    }
    if (linear_rip() != pc) {
        abandon_block();  // The host moved RIP.
    }
    if (info.starts_at_breakpoint) {
        passed_ = std::exchange(pass_, std::nullopt);
    }
    count_block(entered);
}

std::uint32_t UnicornEngine::cut_of(const BlockInfo& info, std::uint64_t most) const {
    std::uint32_t cut = std::min(info.all, info.clear);
    if (info.instructions == info.all) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(cut, most));
    }
    std::uint64_t counted = 0;
    for (std::uint32_t i = 0; i < cut; ++i) {
        counted += shapes_.counts(info.shapes + i) ? 1U : 0U;
        if (counted > most) {
            cut = i;
        }
    }
    return cut;
}

cpu::CodeSize UnicornEngine::code_size() const {
    if ((state_.hflags() & hflag::kCs64) != 0) {
        return cpu::CodeSize::Bits64;
    }
    return (state_.hflags() & hflag::kCs32) != 0 ? cpu::CodeSize::Bits32 : cpu::CodeSize::Bits16;
}

std::size_t UnicornEngine::fetch(std::uint64_t pc, std::span<std::byte> to) const {
    constexpr std::uint64_t kNotMapped = ~0ULL;
    std::size_t done = 0;
    while (done < to.size()) {
        // The library knows every paging mode, those before long mode too.
        MemoryAttributes attributes{};
        const std::uint64_t in_page = (pc + done) % kPageBytes;
        const std::uint64_t page = x86_cpu_get_phys_page_attrs_debug_x86_64(
            state_.cpu_state(), (pc + done) - in_page, &attributes);
        const std::size_t step = std::min<std::size_t>(to.size() - done, kPageBytes - in_page);
        const std::span<std::byte> from = page != kNotMapped
                                              ? memory_.view(GuestPa{page + in_page}, step)
                                              : std::span<std::byte>{};
        if (from.empty()) {
            break;
        }
        std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(done));
        done += step;
    }
    return done;
}

// What is not in the page tables any more may be in the TLB still; where it is not there either,
// the CPU would have to fetch it again, and faults.
void UnicornEngine::fetch_block(std::uint64_t pc, std::span<std::byte> to) {
    for (std::size_t done = fetch(pc, to); done < to.size(); ++done) {
        set_linear_rip(pc);
        forget_block();
        to[done] = static_cast<std::byte>(cpu_ldub_code_x86_64(state_.env_pointer(), pc + done));
    }
}

void UnicornEngine::describe_block(BlockInfo& info, std::uint64_t pc, std::uint32_t bytes) {
    std::array<std::byte, 8192> buffer;  // 512 instructions of at most 15 bytes
    TG_CHECK(bytes <= buffer.size(), "a block is longer than the translator makes them");
    const std::span<std::byte> all = std::span(buffer).first(bytes);
    fetch_block(pc, all);
    std::uint32_t shapes = 0;
    if (!shapes_.begin_block(shapes)) {
        blocks_.forget_descriptions();
    }
    info = {};
    info.engine = this;
    info.described = true;
    info.shapes = shapes;
    const auto broken = std::ranges::lower_bound(breakpoints_, GuestVa{pc});
    if (broken != breakpoints_.end() && broken->value - pc < bytes) [[unlikely]] {
        info.has_breakpoint = true;
        info.starts_at_breakpoint = broken->value == pc;
    }
    info.pc = pc;
    info.bytes = static_cast<std::uint16_t>(bytes);
    std::size_t at = 0;
    bool starts_repeated = false;
    while (at < all.size()) {
        if (info.has_breakpoint && at != 0 && info.clear == BlockInfo::kAll &&
            std::ranges::binary_search(breakpoints_, GuestVa{pc + at})) {
            info.clear = info.all;
        }
        const cpu::InsnShape shape = cpu::insn_shape(all.subspan(at), code_size());
        starts_repeated = starts_repeated || (at == 0 && shape.repeated_string);
        const bool counts = pc + at < hold_begin_.value || pc + at >= hold_end_.value ||
                            host_.counts_instruction(GuestVa{pc + at});
        ++info.all;
        if (counts) {
            ++info.instructions;
            info.transfers = static_cast<std::uint16_t>(info.transfers + (shape.transfer ? 1 : 0));
        }
        shapes_.add(shape, counts);
        if (shape.length == 0) {
            break;  // An invalid instruction ends its block, and faults.
        }
        info.repeat_pc = shape.repeated_string ? pc + at : BlockInfo::kNoRepeat;
        at += shape.length;
    }
    if (!info.has_breakpoint && !starts_repeated) {
        info.weight = info.instructions;
    }
}

std::optional<UnicornEngine::BlockPlace> UnicornEngine::place_in_block(std::uint64_t rip) const {
    if (block_->bytes == 0 || rip < block_->pc || rip > block_->pc + block_->bytes) {
        return std::nullopt;
    }
    BlockPlace place;
    std::size_t index = block_->shapes;
    const std::size_t end = index + block_->all;
    for (std::uint64_t at = block_->pc; index < end && at < rip; ++index) {
        at += std::max<std::uint64_t>(shapes_.length(index), 1);
        place.instructions += shapes_.counts(index) ? 1U : 0U;
        place.transfers += shapes_.transfer(index) ? 1U : 0U;
    }
    return place;
}

void UnicornEngine::flush_tlb() {
    const ActiveScope scope(*this);
    uc_ctl_flush_tlb(uc_);
}

void UnicornEngine::invalidate_code(GuestPa pa, std::uint64_t bytes) {
    for (const RamBlock& block : ram_blocks_) {
        if (pa.value >= block.base && pa.value - block.base < block.bytes) {
            const std::uint64_t offset = block.ram_offset + (pa.value - block.base);
            for (UnicornEngine* engine : code_pages_->engines) {
                engine->drop_translations(offset, bytes);
            }
            return;
        }
    }
    TG_CHECK(false, "code invalidation outside memory");
}

void UnicornEngine::drop_translations(std::uint64_t ram_offset, std::uint64_t bytes) {
    const ActiveScope scope(*this);
    tb_invalidate_phys_range_x86_64(uc_, ram_offset, ram_offset + bytes);
}

void UnicornEngine::forget_blocks() {
    if (block_ != &kNoBlock) {
        last_block_ = *block_;
        block_ = &last_block_;
    }
    blocks_.clear();
    prepare_block();
    code_pages_->remove_everywhere(own_bit_);
}

void UnicornEngine::leave_block() {
    if (const std::optional<BlockPlace> place = place_in_block(linear_rip())) {
        take_back_behind(*place);
    }
    forget_block();
}

void UnicornEngine::protect_code(std::uint64_t ram_offset) {
    code_pages_->add(ram_offset, own_bit_);
    for (const RamBlock& block : ram_blocks_) {
        if (ram_offset >= block.ram_offset && ram_offset - block.ram_offset < block.bytes) {
            const std::uint64_t page = (ram_offset - block.ram_offset) & ~(kPageBytes - 1);
            for (const UnicornEngine* engine : code_pages_->engines) {
                tlb_reset_dirty_x86_64(engine->state_.cpu_state(),
                                       reinterpret_cast<std::uint64_t>(block.host + page),
                                       kPageBytes);
            }
        }
    }
}

bool UnicornEngine::catch_store(std::uint64_t ram_offset, std::uint64_t bytes) {
    last_store_ = ram_offset;
    note_store(ram_offset);
    const std::uint8_t users = code_pages_->users(ram_offset);
    if ((users & ~own_bit_) != 0) [[unlikely]] {
        for (UnicornEngine* engine : code_pages_->engines) {
            if (engine != this && (users & engine->own_bit_) != 0) {
                engine->drop_translations(ram_offset, bytes);
            }
        }
    }
    return (users & own_bit_) != 0;
}

bool UnicornEngine::may_execute(std::uint64_t pa) const {
    constexpr int kFetch = 2;
    if (fill_access_ == kFetch) {
        return true;
    }
    for (const RamBlock& block : ram_blocks_) {
        if (pa >= block.base && pa - block.base < block.bytes) {
            return code_pages_->users(block.ram_offset + (pa - block.base)) != 0;
        }
    }
    return true;
}

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <unicorn/unicorn.h>

#include "cpu/insn_length.hpp"
#include "cpu/register_rules.hpp"
#include "emu/engine/block_info.hpp"
#include "emu/engine/code_pages.hpp"
#include "emu/engine/cpuid.hpp"
#include "emu/engine/engine.hpp"
#include "emu/engine/unicorn_state.hpp"
#include "emu/engine/watch_list.hpp"

namespace trapgate::emu {

class UnicornEngine final : public Engine {
public:
    static Result<std::unique_ptr<UnicornEngine>> create(PhysicalMemory& memory, EngineHost& host,
                                                         const std::vector<DeviceRange>& devices,
                                                         CpuTopology topology,
                                                         std::shared_ptr<CodePages> code_pages);
    ~UnicornEngine() override;

    // Cpu
    [[nodiscard]] cpu::RegisterFile registers() const override;
    void set_registers(const cpu::RegisterFile& file) override;
    [[nodiscard]] cpu::FpuState fpu() const override;
    void set_fpu(const cpu::FpuState& fpu) override;
    [[nodiscard]] std::uint64_t gpr(cpu::Gpr index) const override;
    void set_gpr(cpu::Gpr index, std::uint64_t value) override;
    [[nodiscard]] GuestVa rip() const override { return {state_.eip()}; }
    void set_rip(GuestVa rip) override { state_.set_eip(rip.value); }
    [[nodiscard]] std::uint64_t rflags() const override;
    void set_rflags(std::uint64_t value) override;
    [[nodiscard]] std::uint64_t cr3() const override;
    [[nodiscard]] unsigned cpl() const override { return state_.hflags() & hflag::kCplMask; }
    [[nodiscard]] std::uint64_t msr(std::uint32_t index) const override;
    void set_msr(std::uint32_t index, std::uint64_t value) override;
    [[nodiscard]] CoreState save_core() const override;
    void restore_core(const CoreState& core) override;
    void enter_detour(GuestVa rip, GuestVa rsp) override;
    [[nodiscard]] std::uint64_t instructions() const override { return instructions_; }

    // Engine
    EngineExit run() override;
    void stop() override;
    void poke() override;
    void set_deadline(std::uint64_t instructions) override;
    void set_interrupt_line(bool asserted) override;
    void set_interrupt_hold(GuestVa begin, GuestVa end) override;
    [[nodiscard]] bool interruptible() const override;
    void raise_nmi() override;
    [[nodiscard]] bool nmi_ready() const override {
        return nmi_pending_ && nmi_ready_at(linear_rip());
    }
    void set_breakpoints(std::vector<GuestVa> addresses) override;
    void pass_breakpoint() override { pass_ = here(linear_rip()); }
    void start_up(std::uint8_t vector) override;
    void uncount_instruction() override {
        --instructions_;
        --transfers_;
    }
    void count_instruction(bool transfer) override {
        ++instructions_;
        transfers_ += transfer ? 1 : 0;
    }
    void set_interrupt_shadow() override {
        state_.set_hflags(state_.hflags() | hflag::kInhibitIrq);
    }
    void set_watchpoints(std::span<const Watchpoint> watchpoints) override;
    void flush_tlb() override;
    void invalidate_code(GuestPa pa, std::uint64_t bytes) override;
    [[nodiscard]] std::uint64_t blocks() const override { return transfers_; }
    void save_state(StateWriter& to) const override;
    void load_state(StateReader& from) override;
    [[nodiscard]] std::vector<GuestPa> take_stored_pages() override;

    /// From the block hook: a block is about to run.
    static void enter_block(BlockInfo& info, std::uint64_t pc, std::uint32_t bytes) {
        UnicornEngine& engine = *info.engine;
        const std::uint64_t count = engine.instructions_ + info.weight;
        if (count > engine.hook_deadline_.load(std::memory_order_relaxed)) [[unlikely]] {
            engine.look_closer(info, pc, bytes);
            return;
        }
        engine.instructions_ = count;
        engine.transfers_ += info.transfers;
        engine.block_ = &info;
    }
    /// From the interposed translator: a translation was made with the info that was ready.
    void block_translated() { prepare_block(); }
    /// From the interposed flush: all translations are gone.
    void forget_blocks();
    /// From the interposed exit: the current block ends before the instruction at RIP.
    void leave_block();
    /// The library cannot go on with what the guest made of its CPU: run() ends as by a triple
    /// fault.
    [[noreturn]] void give_up();

    // From the interposed TLB functions: see code_pages.hpp.
    /// A page gets its first translation.
    void protect_code(std::uint64_t ram_offset);
    /// A page lost its last translation.
    void unprotect_code(std::uint64_t ram_offset) { code_pages_->remove(ram_offset, own_bit_); }
    /// The TLB caught a store. True when this engine has translations of the page to drop.
    [[nodiscard]] bool catch_store(std::uint64_t ram_offset, std::uint64_t bytes);
    /// The page walker sets bits of a page-table entry, which the TLB does not catch.
    void note_walker_store(std::uint64_t pa);
    /// Whether the page of the store that was caught last may be written without being caught.
    [[nodiscard]] bool last_store_is_free() const { return code_pages_->users(last_store_) == 0; }
    void begin_tlb_fill(std::uint64_t va, int access) {
        fill_va_ = va;
        fill_access_ = access;
    }
    /// Whether a page that is entered into the TLB now may keep its execute permission.
    [[nodiscard]] bool may_execute(std::uint64_t pa) const;

    /// Which accesses to the page need check_watched_access().
    [[nodiscard]] unsigned watched_kinds(std::uint64_t va, std::uint64_t bytes) const {
        return watches_.empty() ? 0 : watches_.kinds_in(va, bytes);
    }
    /// An access is about to be made; `host_pc` is 0 when the engine itself makes it (delivery).
    void check_watched_access(std::uint64_t va, std::uint64_t bytes, unsigned kind,
                              std::uintptr_t host_pc);

    /// From the interposed helper that runs at an execution breakpoint.
    [[noreturn]] void meet_execution_breakpoint();
    /// DR7.GD: raises #DB in front of an access to a debug register.
    void detect_debug_access(std::uintptr_t host_pc);
    /// DR0-DR3 or DR7 changed.
    void debug_registers_changed();
    /// #GP(0) for a value that DR6 or DR7 cannot hold.
    void check_debug_value(int index, std::uint64_t value, std::uintptr_t host_pc);
    // Refusals, unicorn_checks.cpp.
    /// #GP(0) for a value that the MSR does not take.
    void check_msr(std::uint32_t index, std::uint64_t value, std::uintptr_t host_pc);
    /// MOV to CR0, CR3, CR4 or CR8: faults, or says whether the library shall write `value`.
    [[nodiscard]] bool write_control_register(int index, std::uint64_t& value,
                                              std::uintptr_t host_pc);
    /// What MOV from CR8 reads.
    [[nodiscard]] std::uint64_t task_priority(std::uintptr_t host_pc);
    void check_xcr(std::uint32_t index, std::uint64_t value, std::uintptr_t host_pc);
    void check_system_return(int operand_size, std::uintptr_t host_pc);
    void check_sysexit(int operand_size, std::uintptr_t host_pc);
    static constexpr unsigned kInterruptReturn = ~0U;
    /// `skipped`: what a far RET drops between the return address and the stack pointer.
    void check_far_return(int shift, unsigned skipped, std::uintptr_t host_pc);
    /// SYSRET has loaded the flags.
    void returned_from_system_call();
    void returned_far() { returning_ss_.reset(); }
    /// IRET may have set RF.
    void returned_from_interrupt();
    /// Puts RIP and flags of the instruction that called a helper into the state.
    void synchronize(std::uintptr_t host_pc);

    // From the interposed helpers; `host_pc` is their return address into the translation.
    std::uint32_t port_in(std::uint32_t port, unsigned bytes, std::uintptr_t host_pc);
    void port_out(std::uint32_t port, unsigned bytes, std::uint32_t value, std::uintptr_t host_pc);
    std::uint64_t device_read(std::uint64_t pa, unsigned bytes);
    void device_write(std::uint64_t pa, unsigned bytes, std::uint64_t value);
    void read_time_stamp(std::uintptr_t host_pc);
    void read_time_stamp_and_aux(std::uintptr_t host_pc);
    /// True when the library's own function shall do it.
    [[nodiscard]] bool read_msr(std::uintptr_t host_pc);
    [[nodiscard]] bool write_msr(std::uintptr_t host_pc);
    void cpuid();
    std::uint64_t random();
    void enter_system_call(int instruction_bytes, std::uintptr_t host_pc);
    void enter_by_sysenter(std::uintptr_t host_pc);

    /// The engine whose run() is active on this thread.
    static UnicornEngine* active();

private:
    UnicornEngine(PhysicalMemory& memory, EngineHost& host, CpuTopology topology,
                  std::shared_ptr<CodePages> code_pages)
        : memory_(memory),
          host_(host),
          topology_(topology),
          own_bit_(static_cast<std::uint8_t>(1U << topology.index)),
          code_pages_(std::move(code_pages)) {}

    /// #GP with this error code at the instruction that called a helper.
    [[noreturn]] void refuse(std::uintptr_t host_pc, std::uint32_t error_code = 0);
    /// The vector and RIP that an exception should have had: #SS for #GP and #NP, and jumps to
    /// non-canonical addresses, which have not been made. Raises it anew, or comes back.
    void correct_fault(std::uint8_t vector);
    /// The near jump, call or return that ended the current block goes nowhere: takes it back.
    [[nodiscard]] bool take_jump_back();
    /// Whether what the library takes for #GP(0) is an access through SS.
    [[nodiscard]] bool through_stack(std::uint64_t address) const;
    /// As it is now; the reference holds the next call's answer too.
    const cpu::SystemState& system_state();

    struct Callbacks;  // the C entry points, engine_callbacks.cpp
    Result<void> open(const std::vector<DeviceRange>& devices);
    Result<void> map_memory(const std::vector<DeviceRange>& devices);
    /// What is fetched from this physical range is no instruction.
    Result<void> hook_fetches(std::uint64_t first, std::uint64_t last);
    Result<void> install_hooks();

    void count_block(const BlockInfo& info) {
        instructions_ += info.instructions;
        transfers_ += info.transfers;
        block_ = &info;
    }
    /// No block is current any more.
    void forget_block() { block_ = &kNoBlock; }
    /// How many of a block's instructions to run so that `most` are counted and no more than
    /// `clear` are run.
    [[nodiscard]] std::uint32_t cut_of(const BlockInfo& info, std::uint64_t most) const;
    void describe_block(BlockInfo& info, std::uint64_t pc, std::uint32_t bytes);
    /// The way of blocks that cannot just be counted, see BlockInfo::weight, and of deadlines.
    void look_closer(BlockInfo& info, std::uint64_t pc, std::uint32_t bytes);
    void enter_block_slowly(const BlockInfo& entered);
    /// Makes a BlockInfo ready for the next translation.
    void prepare_block();
    /// Throws the current block away: nothing of it has run, and it is not counted.
    [[noreturn]] void abandon_block();
    void refresh_hook_deadline();
    [[nodiscard]] bool interruptible_at(std::uint64_t pc) const;
    [[noreturn]] void deliver_interrupt(std::uint8_t vector);
    [[noreturn]] void deliver_nmi();
    void on_exception(std::uint8_t vector);
    /// Handlers raise exceptions before their first instruction, again and again: without retired
    /// instructions no time passes, and nothing could ever end it.
    [[nodiscard]] bool only_raises_exceptions();
    /// An exception comes up on the way to another one's handler: puts right what the library gets
    /// wrong then.
    void correct_nested_fault(std::uint8_t vector);
    [[nodiscard]] bool nmi_ready_at(std::uint64_t pc) const;

    // Debugging, unicorn_debug.cpp.
    [[nodiscard]] bool debug_work_pending() const {
        return watch_hit_.has_value() || guest_hits_ != 0 || resume_flag_work_;
    }
    /// At a block's start: reports what the instruction before did.
    void do_debug_work(const BlockInfo& info);
    /// Reads DR0-DR3 and DR7 anew.
    void refresh_guest_debug();
    /// Raises #DB in front of the instruction that called a helper (0: at RIP).
    [[noreturn]] void raise_debug(std::uint64_t dr6_bits, std::uintptr_t host_pc);
    /// Enabled execution breakpoints at a linear address, a bit each.
    [[nodiscard]] std::uint64_t execution_breakpoints_at(std::uint64_t pc) const;
    /// For an invalid opcode: raises #DB when it is INT1.
    void raise_debug_if_int1();
    /// #DB has come up: moves what the data breakpoints noticed into DR6.
    void note_debug_exception();

    void note_store(std::uint64_t ram_offset);
    /// Drops what this engine translated from [ram_offset, ram_offset + bytes).
    void drop_translations(std::uint64_t ram_offset, std::uint64_t bytes);
    /// RIP as a linear address: with a code segment's base, as 16- and 32-bit code have it.
    [[nodiscard]] std::uint64_t linear_rip() const { return state_.code_base() + state_.eip(); }
    void set_linear_rip(std::uint64_t pc) { state_.set_eip(pc - state_.code_base()); }
    [[nodiscard]] cpu::CodeSize code_size() const;

    /// Copies bytes at `pc` as the page tables have them; how many could be read.
    std::size_t fetch(std::uint64_t pc, std::span<std::byte> to) const;
    /// At the start of a block: all its bytes as the CPU fetched them.
    void fetch_block(std::uint64_t pc, std::span<std::byte> to);
    /// A place in the current block: what lies in front of it.
    struct BlockPlace {
        std::uint32_t instructions = 0;
        std::uint32_t transfers = 0;
    };
    /// Nothing if RIP is not in the current block.
    [[nodiscard]] std::optional<BlockPlace> place_in_block(std::uint64_t rip) const;
    /// Nothing behind that place in the current block has run; leaves the block.
    void take_back_behind(const BlockPlace& place) {
        instructions_ = block_start() + place.instructions;
        transfers_ -= block_->transfers - place.transfers;
        forget_block();
    }
    /// instructions_ before the current block, as long as nobody changes it for a callback's sake.
    [[nodiscard]] std::uint64_t block_start() const { return instructions_ - block_->instructions; }
    /// What has been retired of the current block before the instruction that called a helper.
    BlockPlace place_before(std::uintptr_t host_pc);
    /// The same as the count of all instructions.
    std::uint64_t count_before(std::uintptr_t host_pc) {
        return block_start() + place_before(host_pc).instructions;
    }
    /// #GP(0) unless the current privilege level or the TSS lets the instruction use these ports.
    void check_port_access(std::uint32_t port, unsigned bytes, std::uintptr_t host_pc);
    /// Restarts the instruction that called a helper in a block of its own unless it ends its
    /// block.
    void isolate_instruction(std::uintptr_t host_pc);

    /// Whether the current instruction really reads watched bytes of [va, va + bytes): unaligned
    /// loads are checked by whole words.
    [[nodiscard]] WatchMatch match_read(std::uint64_t va, std::uint64_t bytes) const;

    PhysicalMemory& memory_;
    EngineHost& host_;
    uc_engine* uc_ = nullptr;
    UnicornState state_;
    CpuTopology topology_;
    std::uint8_t own_bit_;
    std::shared_ptr<CodePages> code_pages_;
    std::uint64_t last_store_ = 0;  ///< RAM offset of the store that the TLB caught last.
    std::vector<bool> stored_;      ///< By page of RAM space: whether it is in stored_pages_.
    std::vector<std::uint64_t> stored_pages_;
    int fill_access_ = 0;  ///< What the last TLB fill was for: 0 load, 1 store, 2 fetch.
    std::uint64_t fill_va_ = 0;

    static constexpr BlockInfo kNoBlock{};
    // What the block hook needs, and no two that it writes side by side: the compiler would write
    // them as one vector, which the next block waits for.
    std::uint64_t transfers_ = 0;  ///< Control transfers retired.
    /// deadline_, or 0 so that the next block takes the slow path; below BlockInfo::kSlow.
    std::atomic<std::uint64_t> hook_deadline_{BlockInfo::kSlow - 1};
    std::uint64_t instructions_ = 0;
    std::uint64_t deadline_ = UINT64_MAX;
    const BlockInfo* block_ = &kNoBlock;  ///< The current block.

    BlockInfos blocks_;
    InsnShapes shapes_;
    BlockInfo last_block_;  ///< The current one when all translations were thrown away.
    struct BlockHook;       ///< The library's: translations get its argument.
    BlockHook* block_hook_ = nullptr;
    std::atomic<bool> poked_{false};

    /// One execution of an instruction: another one at the same address, a nested one say, has
    /// another stack pointer.
    struct Place {
        std::uint64_t pc, rsp;
        bool operator==(const Place&) const = default;
    };
    [[nodiscard]] Place here(std::uint64_t pc) const { return {pc, gpr(cpu::Gpr::Rsp)}; }

    /// The instruction at `pc` has not run yet, but will.
    void pass_breakpoint_again(std::uint64_t pc) {
        if (passed_ && passed_->pc == pc) {
            pass_ = passed_;
        }
    }

    std::vector<GuestVa> breakpoints_;
    bool breakpoints_changed_ = false;  ///< Since the current block was described.
    bool at_breakpoint_ = false;        ///< Why run() ends.
    std::optional<Place> pass_;         ///< Where the next breakpoint does not stop.
    std::optional<Place> passed_;       ///< The last one that it was used for.

    cpu::SystemState system_;
    std::optional<std::uint16_t> returning_ss_;  ///< While a far return runs: the stack's selector.
    bool interrupt_line_ = false;
    bool stop_requested_ = false;
    bool given_up_ = false;
    /// Exceptions delivered since an instruction retired, and the count it retired at.
    std::uint32_t barren_exceptions_ = 0;
    std::uint64_t barren_since_ = 0;
    WatchList watches_;
    std::optional<WatchHit> watch_hit_;  ///< Made by the current instruction, not yet reported.
    std::uint8_t guest_hits_ = 0;        ///< The same for DR0-DR3, a bit each.
    bool has_execution_breakpoints_ = false;   ///< In DR7.
    bool resume_flag_work_ = false;            ///< RF is set and to be cleared in time.
    std::optional<std::uint64_t> resumed_at_;  ///< The instruction that runs under RF.
    bool debug_fault_ = false;                 ///< The #DB on its way is a fault that pushes RF.

    /// What is being delivered; a fault on the way leaves it set.
    struct Delivery {
        std::uint8_t vector;
        bool software;
    };
    std::optional<Delivery> delivery_;
    bool nmi_pending_ = false;
    GuestVa hold_begin_, hold_end_;
    /// A memory region in the library's RAM space.
    struct RamBlock {
        std::uint64_t base;  ///< guest-physical
        std::uint64_t bytes;
        std::uint64_t ram_offset;
        std::byte* host;
    };
    std::vector<RamBlock> ram_blocks_;

    /// What the library's device callbacks get.
    struct DeviceWindow {
        UnicornEngine* engine;
        std::uint64_t base;
    };
    std::vector<std::unique_ptr<DeviceWindow>> device_windows_;
    ///< offset.
};

}  // namespace trapgate::emu

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/cpu_state.hpp"
#include "emu/memory.hpp"
#include "emu/watchpoint.hpp"

namespace trapgate::emu {

class StateReader;
class StateWriter;

/// What a CPU needs from the computer around it. Called on the engine's thread, inside run().
class EngineHost {
public:
    virtual ~EngineHost() = default;

    /// An exception is about to go to the guest's IDT. True: the host took it (and may have changed
    /// registers).
    virtual bool intercept_exception(const ExceptionEvent& event) = 0;
    /// The guest's IDT got an exception or an external interrupt.
    virtual void count_delivery(std::uint8_t vector, bool external) = 0;

    /// Whether the instruction at `pc`, in the interrupt hold, is the guest's own and counts. Asked
    /// once for each translation.
    [[nodiscard]] virtual bool counts_instruction(GuestVa pc) const = 0;

    /// The instruction count passed to set_deadline has been reached, exactly. Sets a new one, and
    /// may raise the interrupt line or stop the engine.
    virtual void deadline_reached() = 0;
    /// The CPU takes the pending interrupt (INTA): its vector, or nothing when it was spurious and
    /// is gone.
    virtual std::optional<std::uint8_t> acknowledge_interrupt() = 0;

    /// Port accesses of 1, 2 or 4 bytes. Engine::instructions() is exact, the accessing instruction
    /// not counted.
    virtual std::uint32_t port_in(std::uint16_t port, unsigned bytes) = 0;
    virtual void port_out(std::uint16_t port, unsigned bytes, std::uint32_t value) = 0;
    /// Accesses of 1, 2 or 4 bytes to a device range; longer ones come in pieces, low addresses
    /// first. Same remark.
    virtual std::uint64_t device_read(GuestPa pa, unsigned bytes) = 0;
    virtual void device_write(GuestPa pa, unsigned bytes, std::uint64_t value) = 0;
    /// What RDTSC reads; same remark.
    virtual std::uint64_t time_stamp_counter() = 0;

    /// MSRs that are the machine's (emu/msrs.hpp); same remark. A write answers false for #GP(0).
    virtual std::uint64_t read_msr(std::uint32_t index) = 0;
    [[nodiscard]] virtual bool write_msr(std::uint32_t index, std::uint64_t value) = 0;
    /// CR8, 0 to 15: bits 4-7 of the local APIC's task priority register; same remark.
    virtual std::uint8_t task_priority() = 0;
    virtual void set_task_priority(std::uint8_t value) = 0;
    /// What RDRAND and RDSEED read: from the machine's seed, never from the host.
    virtual std::uint64_t random() = 0;

    /// The instruction before made this access to a watched range; nothing of the next one has been
    /// executed. May stop the engine.
    virtual void watchpoint_hit(const WatchHit& hit) = 0;
};

/// Guest-physical addresses that a device answers; whole pages.
struct DeviceRange {
    GuestPa base;
    std::uint64_t bytes = 0;
};

/// Why Engine::run came back.
enum class EngineExit : std::uint8_t {
    Stopped,      ///< stop() was called; nothing of the next instruction has been executed.
    Breakpoint,   ///< RIP is at a breakpoint; nothing of the instruction there has been executed.
    Halted,       ///< HLT; RIP is behind it.
    TripleFault,  ///< RIP is at the instruction whose fault could not be delivered. Also when
                  ///< handlers only raise exceptions before their first instruction, without end.
};

/// One x86-64 CPU on Unicorn. Exceptions, interrupts and time, which Unicorn does not have, are
/// delivered here:
///
/// 1. A hook at each block start adds the block's instruction count and compares it with the
/// deadline.
/// 2. A block that would cross the deadline is abandoned before its first instruction and
/// translated anew with
///    exactly the instructions that are left; so an event's place never depends on how code was cut
///    into blocks.
/// 3. Faults, port accesses and RDTSC inside a block take back what was counted behind them.
/// 4. A port access that does not end its block is restarted in a block of its own, so that an
/// interrupt it raises is
///    taken right behind it.
/// 5. A block with a breakpoint inside is cut in front of it in the same way; one that starts at a
/// breakpoint stops.
/// 6. Only the block hook and the exception hooks change the control flow; everything else sets
/// flags.
class Engine : public Cpu {
public:
    /// One engine for each of `cpus` CPUs (1 to 8) that share `memory`. `memory` and `host` must
    /// outlive them; all memory regions are mapped, `devices` go to the host, everything else reads
    /// as ones. At most one of them runs at a time, on any thread; they are destroyed together.
    static Result<std::vector<std::unique_ptr<Engine>>> create(
        PhysicalMemory& memory, EngineHost& host, const std::vector<DeviceRange>& devices = {},
        unsigned cpus = 1);

    /// Runs until a stop, a HLT or a triple fault.
    virtual EngineExit run() = 0;
    /// Ends run() before the next instruction. For the host's callbacks and handlers.
    virtual void stop() = 0;
    /// Makes run() call deadline_reached() soon, at an unspecified block boundary. Any thread.
    virtual void poke() = 0;

    /// deadline_reached() is called when instructions() equals `instructions`.
    virtual void set_deadline(std::uint64_t instructions) = 0;
    virtual void set_interrupt_line(bool asserted) = 0;
    /// Interrupts wait while RIP is in [begin, end): host-planted code.
    virtual void set_interrupt_hold(GuestVa begin, GuestVa end) = 0;
    /// Whether a pending maskable interrupt could be taken now.
    [[nodiscard]] virtual bool interruptible() const = 0;

    /// A non-maskable interrupt arrives; one waits at most. Taken at the next block's start unless
    /// another one's handler has not returned yet, and not in the interrupt hold.
    virtual void raise_nmi() = 0;
    /// Whether one waits that could be taken now.
    [[nodiscard]] virtual bool nmi_ready() const = 0;

    /// Linear addresses, sorted, in front of which run() comes back. Nothing is written to guest
    /// memory, and no other code runs slower. Also from handlers.
    virtual void set_breakpoints(std::vector<GuestVa> addresses) = 0;
    /// The instruction at RIP runs once although a breakpoint stands there; when an interrupt comes
    /// first or the instruction faults, after that.
    virtual void pass_breakpoint() = 0;

    /// What a start-up interprocessor interrupt does after INIT: real mode, executing at
    /// `vector` << 12 (Intel SDM vol. 3, 9.4). Not for an engine that runs.
    virtual void start_up(std::uint8_t vector) = 0;

    /// Data accesses to report by watchpoint_hit(); replaces those set before. Pages without any
    /// cost nothing. Not to be called from inside run().
    virtual void set_watchpoints(std::span<const Watchpoint> watchpoints) = 0;

    /// For an intercepted int3 of the host's that shall not show in any count.
    virtual void uncount_instruction() = 0;
    /// For an instruction that the host has done in the guest's place.
    virtual void count_instruction(bool transfer) = 0;

    /// After host writes to page tables.
    virtual void flush_tlb() = 0;
    /// After host writes to memory that may hold translated code; for all engines of the memory.
    virtual void invalidate_code(GuestPa pa, std::uint64_t bytes) = 0;
    /// Basic blocks that were run to their end: Counters::blocks of this CPU.
    [[nodiscard]] virtual std::uint64_t blocks() const = 0;

    // Snapshots. Not for an engine that runs.
    /// Everything that the CPU itself keeps, counts included; not the interrupt line, deadline,
    /// hold and breakpoints, which are the host's to set.
    virtual void save_state(StateWriter& to) const = 0;
    virtual void load_state(StateReader& from) = 0;
    /// The pages that this CPU has stored to since the last call, each once, in any order; the
    /// first call knows only of some. Nothing of the guest's changes, the TLB's contents included.
    [[nodiscard]] virtual std::vector<GuestPa> take_stored_pages() = 0;
};

}  // namespace trapgate::emu

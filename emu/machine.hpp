// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/cpu_state.hpp"
#include "emu/input/input_log.hpp"
#include "emu/memory.hpp"
#include "emu/snapshot/machine_state.hpp"
#include "emu/symbols.hpp"
#include "emu/watchpoint.hpp"
#include "emu/window/window.hpp"

namespace trapgate::emu {

inline constexpr unsigned kMaxCpus = 4;

/// What the host's probes cost the guest.
enum class ProbeCost : std::uint8_t {
    Charged,  ///< What is executed for them, traps included.
    Free,     ///< Nothing: clock and counts are the guest's own, as if nothing were probed.
};

struct MachineConfig {
    std::uint64_t ram_bytes = 256ULL << 20;
    std::string model = "functional";  ///< Timing model, see cpu/timing.hpp.
    unsigned cpus = 1;                 ///< 1 to kMaxCpus.
    ProbeCost probe_cost = ProbeCost::Charged;
};

/// Why a run ended.
enum class StopReason : std::uint8_t {
    GuestExit,  ///< The guest wrote to the debug-exit port; `status` is what it wrote.
    Shutdown,   ///< The guest asked for power-off or reset.
    Panic,      ///< The guest's kernel panicked (debug-exit port, status 255).
    TripleFault,
    Dead,  ///< HLT with interrupts off, or nothing left that could wake the CPU.
    InsnLimit,
    CycleLimit,
    TimeLimit,
    Requested,   ///< request_stop().
    Debugger,    ///< request_debugger().
    Breakpoint,  ///< In front of an instruction with a breakpoint.
    Watchpoint,  ///< The instruction before accessed watched data; `watch` says what.
};

struct StopEvent {
    StopReason reason = StopReason::Requested;
    std::uint32_t status = 0;  ///< The guest's own number for GuestExit and Panic.
    GuestVa rip;
    WatchHit watch{};  ///< For Watchpoint.
    bool operator==(const StopEvent&) const = default;
};

/// How virtual time goes beside the host's. It only delays the host: for the same input log it
/// changes no number.
enum class PaceMode : std::uint8_t {
    Free,  ///< Time in which all CPUs sleep is skipped.
    Real,  ///< Virtual time is never ahead of the wall clock.
};

/// Limits of one run() call, counted from reset for instructions and cycles. Exact to the
/// instruction.
struct RunLimits {
    std::uint64_t max_instructions = UINT64_MAX;
    Cycles max_cycles{UINT64_MAX};
    double max_host_seconds = 0;  ///< 0 = none. Checked between blocks.
    bool debug_stops = true;      ///< Whether break- and watchpoints stop the run.
    PaceMode pace = PaceMode::Free;
    /// Somebody may still type: where nothing else could wake the guest, wait for that instead of
    /// ending the run as Dead.
    bool input_may_come = false;
};

/// Of all CPUs together.
struct Counters {
    std::uint64_t instructions = 0;
    Cycles cycles;
    /// Basic blocks that were run to their end, that is retired control transfers: jumps taken and
    /// not taken, calls, returns, INT, INT3 and INT1, SYSCALL, SYSENTER and the ways back. Like
    /// `instructions` the guest's own number: limits, breakpoints, inputs and snapshots do not
    /// show.
    std::uint64_t blocks = 0;
    std::uint64_t interrupts = 0;
    std::array<std::uint64_t, 32> exceptions{};  ///< Delivered to the guest, by vector.
    bool operator==(const Counters&) const = default;
};

/// What the loader learned of a kernel image.
struct KernelImage {
    std::string name;          ///< The file's.
    std::string command_line;  ///< The guest's.
    /// Where the kernel wants a piece of itself, and where it was loaded.
    struct Range {
        GuestVa linked;
        GuestPa loaded;
        std::uint64_t bytes = 0;
    };
    SymbolTable symbols;
    std::vector<std::byte> btf;
    std::vector<Range> ranges;
};

class Machine;

/// What becomes of inputs that came after the point that a restore goes to.
enum class FutureInput : std::uint8_t {
    Forget,  ///< Another future begins.
    Repeat,  ///< They come again, at their cycles.
};

/// Runs when the guest executes an int3 that belongs to the host. RIP is at the int3 itself (the
/// address the handler was registered for); the handler must set RIP, or the same trap comes again.
using TrapHandler = std::function<void(Machine&)>;

/// Whether the int3 itself counts as an executed instruction.
enum class TrapCost : std::uint8_t {
    Charged,  ///< Probes: as the guest would pay for it.
    Free,     ///< Debuggers and the host's own needs: the clock does not notice.
};

/// A deterministic x86-64 computer: CPU, RAM, devices, clock, probe window, and the tables of
/// host-owned traps. One thread at a time. Several machines may live in one process.
class Machine {
public:
    static Result<std::unique_ptr<Machine>> create(const MachineConfig& config);
    virtual ~Machine() = default;

    /// The CPU that runs, or that ran last.
    [[nodiscard]] Cpu& cpu() { return cpu(current_cpu()); }
    [[nodiscard]] const Cpu& cpu() const { return cpu(current_cpu()); }
    [[nodiscard]] virtual unsigned current_cpu() const = 0;
    [[nodiscard]] virtual unsigned cpu_count() const = 0;
    /// `index` is below cpu_count().
    [[nodiscard]] virtual Cpu& cpu(unsigned index) = 0;
    [[nodiscard]] virtual const Cpu& cpu(unsigned index) const = 0;
    /// Whether that CPU waits for an interrupt: after HLT, or before it has been started.
    [[nodiscard]] virtual bool halted(unsigned index) const = 0;
    [[nodiscard]] virtual PhysicalMemory& memory() = 0;
    [[nodiscard]] virtual ProbeWindow& window() = 0;
    [[nodiscard]] virtual const MachineConfig& config() const = 0;

    /// Symbols and BTF of the loaded kernel; empty before load.
    [[nodiscard]] virtual const SymbolTable& symbols() const = 0;
    [[nodiscard]] virtual std::span<const std::byte> kernel_btf() const = 0;
    virtual void set_kernel(KernelImage image) = 0;

    /// Runs until a limit or an end.
    virtual StopEvent run(const RunLimits& limits) = 0;
    /// Asks a run in progress to stop at the next block boundary. Any thread, also from a handler.
    virtual void request_stop() = 0;
    /// Whether a request_stop() has not ended a run yet.
    [[nodiscard]] virtual bool stop_requested() const = 0;
    /// The same with a reason of its own, so that a debugger's server need not guess whether a stop
    /// was meant for it. Neither request swallows the other.
    virtual void request_debugger() = 0;

    /// Stops runs in front of the instruction at `va`, in whatever address space it is, mapped or
    /// not, before a probe that stands there fires. Guest memory stays as it is and no number
    /// changes. A run that begins at a breakpoint passes it; one that ends there for another reason
    /// than the guest's own end, after at least one instruction, says Breakpoint: so each arrival
    /// is reported once. Each addition needs a removal.
    virtual void add_breakpoint(GuestVa va) = 0;
    virtual void remove_breakpoint(GuestVa va) = 0;
    /// How many additions of it have not been removed.
    [[nodiscard]] virtual unsigned breakpoints_at(GuestVa va) const = 0;

    [[nodiscard]] virtual Counters counters() const = 0;
    /// Virtual time now; exact wherever the machine's own thread may ask.
    [[nodiscard]] virtual Cycles now() const = 0;
    /// Nanoseconds of virtual time since reset, at the model's nominal frequency (1 GHz for
    /// functional).
    [[nodiscard]] virtual std::uint64_t now_ns() const = 0;

    /// Makes window allocations visible in the current address space (and so in all: kernel halves
    /// are shared).
    virtual Result<void> map_window() = 0;

    // Memory. Virtual accesses use the current CR3, ignore permissions, and see through planted
    // bytes.
    /// Reads guest-virtual bytes as the guest wrote them; false when any page is not present.
    [[nodiscard]] virtual bool read(GuestVa va, std::span<std::byte> to) const = 0;
    /// Writes guest-virtual bytes and invalidates translations.
    [[nodiscard]] virtual bool write(GuestVa va, std::span<const std::byte> from) = 0;
    [[nodiscard]] virtual std::optional<GuestPa> translate(GuestVa va) const = 0;
    /// The same two for debuggers: in the address space of that CPU, which may have paging off;
    /// what the kernel has not mapped yet of its own image is there already.
    [[nodiscard]] virtual bool peek(unsigned cpu, GuestVa va, std::span<std::byte> to) const = 0;
    [[nodiscard]] virtual bool poke(unsigned cpu, GuestVa va, std::span<const std::byte> from) = 0;
    /// Writes into a window text block and invalidates translations.
    virtual void write_text(const WindowBlock& block, std::uint64_t offset,
                            std::span<const std::byte> from) = 0;

    // Traps.
    /// Calls `handler` when the int3 that stands at `va` in window text executes.
    virtual void add_window_trap(GuestVa va, TrapHandler handler) = 0;
    virtual void remove_window_trap(GuestVa va) = 0;
    /// Says for an address in window text where the guest itself would be: where its own copy of
    /// that code stands, or the same address. Asked for StopEvent::rip.
    virtual void set_window_origin(std::function<GuestVa(GuestVa rip)> origin) = 0;
    /// Called when an exception is about to reach the guest with RIP in window text; sets the RIP
    /// that the guest must see. True: the guest gets no exception and goes on with the registers as
    /// they are then.
    /// Several handlers are asked in the order of their addition; returns a number for the removal.
    virtual unsigned add_window_fault_handler(
        std::function<bool(const ExceptionEvent&)> handler) = 0;
    virtual void remove_window_fault_handler(unsigned number) = 0;
    /// First in line for every exception that is about to reach the guest, with the RIP that it
    /// would see; int3s of the host's are none. True: the guest gets no exception and goes on with
    /// the registers as they are then.
    virtual void set_exception_notifier(std::function<bool(const ExceptionEvent&)> notifier) = 0;
    /// These bytes of window text are the guest's own instruction, at another place: they count
    /// under ProbeCost::Free too. To be said behind write_text, which forgets it.
    virtual void mark_displaced(GuestVa va, std::uint64_t bytes) = 0;
    /// The host has done a guest's instruction in its place, which counts under ProbeCost::Free;
    /// otherwise the trap has counted.
    virtual void count_displaced(bool transfer) = 0;
    /// What read() and peek() show of data that the host keeps in guest memory, return addresses
    /// say: gets each range that was read, and puts the guest's own bytes in.
    virtual void set_read_overlay(
        std::function<void(GuestVa va, std::span<std::byte> bytes)> overlay) = 0;
    /// Plants 0xCC over the first byte at `va` in guest memory. EFAULT when not mapped, EBUSY when
    /// planted.
    virtual Result<void> plant(GuestVa va, TrapHandler handler,
                               TrapCost cost = TrapCost::Charged) = 0;
    /// Puts the original byte back.
    virtual void unplant(GuestVa va) = 0;

    /// A non-maskable interrupt for one CPU (below cpu_count()), taken between two of its
    /// instructions: not in the probe window, and not before the handler of the one before has
    /// returned. A second one that waits is lost, as on hardware. Between runs or from a handler.
    virtual void inject_nmi(unsigned cpu) = 0;

    // Watchpoints.
    /// Ends run() behind every instruction that accesses [va, va + bytes) so; an exception or
    /// interrupt whose frame is pushed there, in front of the handler's first instruction; a
    /// repeated string instruction, behind the iteration. A write that changes nothing counts.
    /// Counts and clock are as without it; only accesses to the pages touched get slower. Not from
    /// a handler. EINVAL for an empty range or one that wraps around.
    virtual Result<WatchId> add_watchpoint(GuestVa va, std::uint64_t bytes, WatchKind kind) = 0;
    /// Unknown ids are ignored.
    virtual void remove_watchpoint(WatchId id) = 0;

    /// Console bytes as the guest writes them; called on the machine's thread.
    virtual void set_console_sink(std::function<void(std::string_view)> sink) = 0;
    /// While muted, the sink is not called: what the guest writes has been seen before.
    virtual void mute_console(bool muted) = 0;

    // Input: what comes from outside gets a cycle in the near future, is logged with it, and acts
    // there.
    /// Bytes typed at the console. Any thread.
    virtual void console_input(std::string_view bytes) = 0;
    /// Bytes of console_input that the guest has not taken from its port: nothing limits them, so
    /// who types without end must look here.
    [[nodiscard]] virtual std::size_t console_backlog() const = 0;
    /// Called on the machine's thread as each input acts.
    virtual void set_input_listener(std::function<void(const InputEntry&)> listener) = 0;
    /// What has come in since reset; its end is now.
    [[nodiscard]] virtual InputLog input_log() const = 0;
    /// Lets the machine, fresh from the loader, repeat the run that was recorded; nothing else is
    /// let in. Errors: the log is another image's or machine's; `name` is the log's for them.
    virtual Result<void> replay(const InputLog& log, const std::string& name) = 0;
    /// Where a replay was first found at another instruction than recorded; never, unless image or
    /// program changed.
    [[nodiscard]] virtual std::optional<InputPlace> replay_divergence() const = 0;

    /// Which machine this is: to be known after set_kernel.
    [[nodiscard]] virtual const MachineIdentity& identity() const = 0;

    // Snapshots: between runs, on the machine's thread.
    /// The whole machine as it is now. What the host planted is saved as the guest's own bytes.
    /// Changes nothing, in no number. Costs what changed since the last save or restore.
    [[nodiscard]] virtual StatePtr save() = 0;
    /// Goes to a state of this machine, or of one with the same image and configuration in this
    /// process or another. What is planted now is planted again; probe window text stays as it is
    /// if any is allocated, and so do window data that were not allocated then. Errors: a state of
    /// another machine (`name` says whose); then nothing has changed.
    virtual Result<void> restore(const MachineState& state,
                                 FutureInput future = FutureInput::Forget,
                                 const std::string& name = "state") = 0;
    /// Inputs that restore() kept, and that have not come again yet, do not.
    virtual void forget_future_input() = 0;
};

template <class T>
[[nodiscard]] std::optional<T> read_value(const Machine& machine, GuestVa va) {
    T value;
    if (!machine.read(va, std::as_writable_bytes(std::span(&value, 1)))) {
        return std::nullopt;
    }
    return value;
}

}  // namespace trapgate::emu

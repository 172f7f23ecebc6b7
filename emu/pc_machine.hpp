// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <random>
#include <unordered_map>

#include "emu/devices/cmos.hpp"
#include "emu/devices/i8254.hpp"
#include "emu/devices/i8259.hpp"
#include "emu/devices/io_apic.hpp"
#include "emu/devices/keyboard_controller.hpp"
#include "emu/devices/port_bus.hpp"
#include "emu/devices/power.hpp"
#include "emu/devices/timed_device.hpp"
#include "emu/devices/uart16550.hpp"
#include "emu/engine/engine.hpp"
#include "emu/input/host_wake.hpp"
#include "emu/input/input_queue.hpp"
#include "emu/machine.hpp"
#include "emu/pc_cpu.hpp"
#include "emu/snapshot/memory_images.hpp"

namespace trapgate::emu {

/// The Machine: a PC's devices around one to four CPUs.
class PcMachine final : public Machine, private EngineHost, private Clock {
public:
    static Result<std::unique_ptr<Machine>> create(const MachineConfig& config);
    ~PcMachine() override = default;

    // Machine
    [[nodiscard]] unsigned current_cpu() const override { return current_; }
    [[nodiscard]] unsigned cpu_count() const override {
        return static_cast<unsigned>(cpus_.size());
    }
    [[nodiscard]] Cpu& cpu(unsigned index) override { return *cpus_[index]->engine; }
    [[nodiscard]] const Cpu& cpu(unsigned index) const override { return *cpus_[index]->engine; }
    [[nodiscard]] PhysicalMemory& memory() override { return memory_; }
    [[nodiscard]] ProbeWindow& window() override { return *window_; }
    [[nodiscard]] const MachineConfig& config() const override { return config_; }
    [[nodiscard]] const SymbolTable& symbols() const override { return kernel_.symbols; }
    [[nodiscard]] std::span<const std::byte> kernel_btf() const override { return kernel_.btf; }
    void set_kernel(KernelImage image) override;
    StopEvent run(const RunLimits& limits) override;
    void request_stop() override;
    [[nodiscard]] bool stop_requested() const override { return stop_wanted_; }
    void request_debugger() override;
    void add_breakpoint(GuestVa va) override;
    void remove_breakpoint(GuestVa va) override;
    [[nodiscard]] unsigned breakpoints_at(GuestVa va) const override;
    [[nodiscard]] bool halted(unsigned index) const override {
        return cpus_[index]->activity != PcCpu::Activity::Running;
    }
    [[nodiscard]] Counters counters() const override;
    [[nodiscard]] Cycles now() const override;
    [[nodiscard]] std::uint64_t now_ns() const override;
    Result<void> map_window() override;
    [[nodiscard]] bool read(GuestVa va, std::span<std::byte> to) const override;
    [[nodiscard]] bool write(GuestVa va, std::span<const std::byte> from) override;
    [[nodiscard]] std::optional<GuestPa> translate(GuestVa va) const override;
    [[nodiscard]] bool peek(unsigned cpu, GuestVa va, std::span<std::byte> to) const override;
    [[nodiscard]] bool poke(unsigned cpu, GuestVa va, std::span<const std::byte> from) override;
    void write_text(const WindowBlock& block, std::uint64_t offset,
                    std::span<const std::byte> from) override;
    void add_window_trap(GuestVa va, TrapHandler handler) override;
    void remove_window_trap(GuestVa va) override;
    void set_window_origin(std::function<GuestVa(GuestVa rip)> origin) override;
    unsigned add_window_fault_handler(std::function<bool(const ExceptionEvent&)> handler) override;
    void remove_window_fault_handler(unsigned number) override;
    void set_exception_notifier(std::function<bool(const ExceptionEvent&)> notifier) override;
    void mark_displaced(GuestVa va, std::uint64_t bytes) override;
    void count_displaced(bool transfer) override;
    void set_read_overlay(std::function<void(GuestVa, std::span<std::byte>)> overlay) override;
    Result<void> plant(GuestVa va, TrapHandler handler, TrapCost cost) override;
    void unplant(GuestVa va) override;
    void inject_nmi(unsigned cpu) override { cpus_.at(cpu)->engine->raise_nmi(); }
    Result<WatchId> add_watchpoint(GuestVa va, std::uint64_t bytes, WatchKind kind) override;
    void remove_watchpoint(WatchId id) override;
    void set_console_sink(std::function<void(std::string_view)> sink) override;
    void mute_console(bool muted) override { console_muted_ = muted; }
    void console_input(std::string_view bytes) override;
    [[nodiscard]] std::size_t console_backlog() const override;
    void set_input_listener(std::function<void(const InputEntry&)> listener) override;
    [[nodiscard]] InputLog input_log() const override;
    Result<void> replay(const InputLog& log, const std::string& name) override;
    [[nodiscard]] std::optional<InputPlace> replay_divergence() const override;
    [[nodiscard]] const MachineIdentity& identity() const override { return identity_; }
    [[nodiscard]] StatePtr save() override;
    Result<void> restore(const MachineState& state, FutureInput future,
                         const std::string& name) override;
    void forget_future_input() override { input_.forget_future(); }

private:
    PcMachine(const MachineConfig& config, HostWake wake);

    // EngineHost
    bool intercept_exception(const ExceptionEvent& event) override;
    [[nodiscard]] bool notify_exception(const ExceptionEvent& event);
    void count_delivery(std::uint8_t vector, bool external) override;
    [[nodiscard]] bool counts_instruction(GuestVa pc) const override;
    void deadline_reached() override;
    std::optional<std::uint8_t> acknowledge_interrupt() override;
    std::uint32_t port_in(std::uint16_t port, unsigned bytes) override;
    void port_out(std::uint16_t port, unsigned bytes, std::uint32_t value) override;
    std::uint64_t device_read(GuestPa pa, unsigned bytes) override;
    void device_write(GuestPa pa, unsigned bytes, std::uint64_t value) override;
    std::uint64_t time_stamp_counter() override;
    std::uint64_t read_msr(std::uint32_t index) override;
    bool write_msr(std::uint32_t index, std::uint64_t value) override;
    std::uint8_t task_priority() override;
    void set_task_priority(std::uint8_t value) override;
    std::uint64_t random() override { return random_(); }

    void watchpoint_hit(const WatchHit& hit) override;

    // Clock
    [[nodiscard]] std::uint64_t frequency_hz() const override { return kNominalHz; }
    void reschedule() override;

    /// In cycles. Far beyond any run; below it sums of times do not overflow. What a device would
    /// do later than this never happens.
    static constexpr std::uint64_t kEndOfTime = 1ULL << 62;
    static constexpr unsigned kTimerIrq = 0;
    static constexpr std::uint64_t kNominalHz = 1'000'000'000;

    /// An ISA interrupt line, to both controllers.
    void set_irq(unsigned irq, bool high);
    void update_interrupt_line(PcCpu& cpu);
    void update_interrupt_lines();
    [[nodiscard]] bool external_pending(const PcCpu& cpu) const;
    /// Whether an interrupt waits that would end a HLT.
    [[nodiscard]] bool wakes(const PcCpu& cpu) const;
    void deliver(const ApicMessage& message);
    void deliver_to(PcCpu& cpu, const ApicMessage& message);
    void send_ipi(const PcCpu& from, std::uint64_t command);
    void send_init(PcCpu& cpu);
    void send_startup(PcCpu& cpu, std::uint8_t vector);

    void end_run(StopReason reason, std::uint32_t status);
    /// Ends the run when somebody asked for it.
    void take_requests();
    [[nodiscard]] bool requested() const;
    void poke();
    void flush_tlbs();

    // Time and turns: pc_schedule.cpp.
    /// Where the current CPU has come to a point that matters: passes the turn on when its slice is
    /// over, and ends the run when a limit has been reached.
    void settle();
    /// The current CPU can do nothing more in this slice.
    void pass_turn();
    /// Brings devices to the end of the slice, wakes CPUs, and skips time in which none would run.
    void begin_slice();
    /// The current CPU has executed HLT.
    void halt();
    /// All CPUs sleep: where time jumps to, with the host delayed as the pace wants. Nothing when
    /// the run ends instead.
    [[nodiscard]] std::optional<Cycles> sleep_from(Cycles begin);

    // Input and pace: pc_input.cpp.
    /// Inputs that wait get a cycle.
    void schedule_input();
    /// Inputs whose cycle has come act.
    void advance_input(Cycles begin);
    /// Under PaceMode::Real: the cycle that the wall clock stands for.
    [[nodiscard]] Cycles wall_cycles() const;
    /// Delays the host while virtual time is ahead.
    void hold_back();
    void wait_for_wall(Cycles cycle) const;

    // Snapshots: pc_snapshot.cpp.
    /// What is neither memory nor input.
    template <class Archive>
    void fields(Archive& archive);
    [[nodiscard]] std::vector<std::byte> save_parts();
    struct LoadedParts {
        std::uint64_t inputs_acted = 0;
        WindowUse window;
    };
    [[nodiscard]] Result<LoadedParts> load_parts(const MachineState& state);
    /// Whether clocks and events, as loaded, are as a machine can have them: others would keep the
    /// host busy for ever.
    [[nodiscard]] bool clocks_are_possible() const;
    [[nodiscard]] std::vector<GuestPa> take_stored_pages();
    /// The window's entries in the guest's page tables have been written.
    void note_window_entries();
    /// The guest's own bytes stand where the host planted; no translation notices.
    void hide_planted();
    void show_planted();
    void set_deadline();
    /// Whether the current CPU has to give way. Not in the middle of a probe's code: there it is
    /// the machine that works, not the guest.
    [[nodiscard]] bool turn_is_over() const;
    [[nodiscard]] std::optional<Cycles> next_device_event() const;
    /// Of a device or an input.
    [[nodiscard]] std::optional<Cycles> next_event() const;
    [[nodiscard]] std::uint64_t instructions() const;

    [[nodiscard]] PcCpu& here() { return *cpus_[current_]; }
    [[nodiscard]] const PcCpu& here() const { return *cpus_[current_]; }
    [[nodiscard]] Engine& engine() const { return *cpus_[current_]->engine; }

    void set_engine_breakpoints();
    /// Before a run: tells the engines of the breakpoints, and that it may pass the one it stands
    /// at.
    void arm_breakpoints();
    /// After a run that began at `begin` (of instructions): whether it came to stand at one.
    [[nodiscard]] bool arrived_at_breakpoint(std::uint64_t begin) const;
    [[nodiscard]] std::vector<GuestVa> active_breakpoints() const;

    /// Where `va` is, or will be once the kernel has mapped itself.
    [[nodiscard]] std::optional<GuestPa> locate(GuestVa va) const;
    /// Where `va` is loaded, mapped or not, if it is of the kernel's image.
    [[nodiscard]] std::optional<GuestPa> loaded_at(GuestVa va) const;
    /// Where `va` is for a debugger that looks at that CPU.
    [[nodiscard]] std::optional<GuestPa> locate_for(unsigned index, GuestVa va) const;
    /// read() and write() with any way to find a page.
    template <class Where>
    [[nodiscard]] bool read_at(GuestVa va, std::span<std::byte> to, const Where& where) const;
    template <class Where>
    [[nodiscard]] bool write_at(GuestVa va, std::span<const std::byte> from, const Where& where);

    /// A byte of guest memory that the host replaced by int3.
    struct Planted {
        GuestPa pa;
        std::byte original;
        TrapHandler handler;
        TrapCost cost;
    };

    MachineConfig config_;
    PhysicalMemory memory_;
    std::unique_ptr<ProbeWindow> window_;
    KernelImage kernel_;

    PortBus ports_;
    I8259Pair pic_;
    IoApic io_apic_;
    I8254 timer_;
    Cmos cmos_;
    Uart16550 uart_;
    KeyboardController keyboard_;
    PowerControl power_;

    std::vector<std::unique_ptr<PcCpu>> cpus_;
    unsigned current_ = 0;  ///< Whose turn it is.
    Engine* running_ = nullptr;
    Cycles slice_end_{0};           ///< CPUs run up to here in turn; devices act here.
    std::uint64_t newest_tsc_ = 0;  ///< In cycles: no CPU reads less than another has read.

    std::mt19937_64 random_;  ///< Defined bit for bit by the C++ standard.

    Counters counters_;
    RunLimits limits_;
    std::optional<StopEvent> ending_;
    std::atomic<bool> stop_wanted_{false};
    std::atomic<bool> time_is_up_{false};
    std::atomic<bool> debugger_wanted_{false};
    std::map<GuestVa, unsigned> breakpoints_;  ///< How often each was added.

    InputQueue input_;
    std::function<void(const InputEntry&)> input_listener_;
    HostWake wake_;
    HostWake::Clock::time_point pace_start_;  ///< Of the run, and the virtual time then:
    Cycles pace_origin_{0};

    MachineIdentity identity_;
    MemoryImages images_{memory_};
    std::function<void(std::string_view)> console_sink_;
    bool console_muted_ = false;
    bool window_mapped_ = false;

    std::unordered_map<std::uint64_t, TrapHandler> window_traps_;
    std::function<GuestVa(GuestVa)> window_origin_;
    std::map<unsigned, std::function<bool(const ExceptionEvent&)>> window_fault_handlers_;
    unsigned next_fault_handler_ = 0;
    std::function<bool(const ExceptionEvent&)> exception_notifier_;
    /// By offset in window text; empty while nothing is marked.
    std::vector<bool> displaced_;
    std::function<void(GuestVa, std::span<std::byte>)> read_overlay_;
    std::map<std::uint64_t, Planted> planted_;  ///< By virtual address; read() needs the order.

    /// Gives the engines the watchpoints in force.
    void apply_watchpoints();
    std::map<WatchId, Watchpoint> watchpoints_;
    std::uint32_t next_watch_id_ = 1;
};

}  // namespace trapgate::emu

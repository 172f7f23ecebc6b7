// SPDX-License-Identifier: GPL-2.0-only
// Kprobes on a guest kernel that knows nothing of them: the register_kprobe family, and what
// happens at a hit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/machine.hpp"
#include "kernel/probes/kretprobe.hpp"
#include "kernel/probes/places.hpp"
#include "kernel/probes/probe_place.hpp"
#include "kernel/probes/probe_regs.hpp"
#include "kernel/probes/slots.hpp"

namespace trapgate::kernel {

class Kprobes;
class Kretprobes;

/// Runs on the host before the displaced instruction. Non-zero: the handler has set the registers,
/// RIP included, and neither the rest of the handlers nor the displaced instruction runs.
using PreHandler = std::function<int(Kprobe&, ProbeRegs&)>;
/// Runs on the host after the displaced instruction; RIP is where the guest goes on.
using PostHandler = std::function<void(Kprobe&, ProbeRegs&)>;
/// The displaced instruction faults; RIP is the instruction's own address. Non-zero: the handler
/// has dealt with it, the guest gets no exception and goes on at the RIP that the handler leaves.
using FaultHandler = std::function<int(Kprobe&, ProbeRegs&, const emu::ExceptionEvent&)>;
/// Work for the guest CPU between the pre handler and the displaced instruction, such as a BPF
/// program. It must call `done` exactly once, at once or from a later trap handler, with the
/// guest's registers back in place.
using GuestHandler = std::function<void(Kprobe&, ProbeRegs&, std::function<void()> done)>;

/// What to probe and what to do there: a symbol with an offset, or an address (the symbol is then
/// empty).
struct KprobeSpec {
    // The initialiser lets a designated one leave the member out without a warning of GCC.
    std::string symbol{};  // NOLINT(readability-redundant-member-init)
    std::uint64_t offset = 0;
    std::optional<GuestVa> address = std::nullopt;
    PreHandler pre_handler = nullptr;
    GuestHandler guest_handler = nullptr;
    PostHandler post_handler = nullptr;
    FaultHandler fault_handler = nullptr;
    bool disabled = false;  ///< Registered without being armed (KPROBE_FLAG_DISABLED).
    /// Also where Linux refuses although nothing is wrong with it from outside: blacklisted code,
    /// CALL and JMP through memory, jump labels and static calls.
    bool unsafe = false;
    bool jprobe = false;  ///< Only at a function's entry, and one at an address: jprobe.hpp.
};

/// One registered probe.
class Kprobe {
public:
    [[nodiscard]] GuestVa address() const { return address_; }
    /// "symbol+0xoffset", or the bare address.
    [[nodiscard]] const std::string& where() const { return where_; }
    [[nodiscard]] bool enabled() const { return enabled_; }
    /// Times the handlers ran.
    [[nodiscard]] std::uint64_t hits() const { return hits_; }
    /// Hits that ran no handler, for whatever reason.
    [[nodiscard]] std::uint64_t nmissed() const { return missed_inside_ + missed_busy_; }
    /// Of these: the CPU was inside a probe already.
    [[nodiscard]] std::uint64_t missed_inside() const { return missed_inside_; }
    /// Of these: a guest handler could not do its work, because another program was on its way.
    [[nodiscard]] std::uint64_t missed_busy() const { return missed_busy_; }
    /// For a guest handler that could not do its work: the hit becomes a miss.
    void count_missed() { ++missed_busy_; }
    /// The guest has rewritten the instruction: the probe is out of its way, and hits no more.
    [[nodiscard]] bool gone() const { return gone_; }

private:
    friend class Kprobes;
    friend class KprobeHandle;
    GuestVa address_;
    std::string where_;
    KprobeSpec spec_;
    bool enabled_ = true;
    bool registered_ = true;
    std::uint64_t hits_ = 0;
    std::uint64_t missed_inside_ = 0;
    std::uint64_t missed_busy_ = 0;
    bool gone_ = false;
    std::weak_ptr<ProbePlace> place_;
};

/// Owns one registration: destruction unregisters. Movable; an empty handle owns nothing.
class KprobeHandle {
public:
    KprobeHandle() = default;
    KprobeHandle(Kprobes& owner, std::shared_ptr<Kprobe> probe)
        : owner_(&owner), probe_(std::move(probe)) {}
    KprobeHandle(KprobeHandle&& other) noexcept;
    KprobeHandle& operator=(KprobeHandle&& other) noexcept;
    KprobeHandle(const KprobeHandle&) = delete;
    KprobeHandle& operator=(const KprobeHandle&) = delete;
    ~KprobeHandle() { reset(); }

    explicit operator bool() const { return probe_ != nullptr; }
    [[nodiscard]] Kprobe& operator*() const { return *probe_; }
    [[nodiscard]] Kprobe* operator->() const { return probe_.get(); }
    /// Unregisters now.
    void reset();
    /// Gives the registration away: who gets it must unregister it.
    [[nodiscard]] std::shared_ptr<Kprobe> release() { return std::move(probe_); }

private:
    Kprobes* owner_ = nullptr;
    std::shared_ptr<Kprobe> probe_;
};

/// Sees an exception before the guest does, as its first handler of all; true keeps it from the
/// guest.
using ExceptionNotifier = std::function<bool(const emu::ExceptionEvent&, ProbeRegs&)>;

/// All kprobes of one machine. The machine must outlive it. Calls are for the machine's own thread,
/// between runs or from a handler.
class Kprobes {
public:
    explicit Kprobes(emu::Machine& machine);
    ~Kprobes();
    Kprobes(const Kprobes&) = delete;
    Kprobes& operator=(const Kprobes&) = delete;

    /// Errors, with Linux's numbers: ENOENT unknown symbol; EINVAL both or neither of symbol and
    /// address, not kernel text, blacklisted, or an instruction that masks interrupts; EILSEQ not
    /// the start of an instruction, or a trapping one; EOPNOTSUPP an instruction that cannot run
    /// out of line; ENOMEM no slot; EBUSY the byte belongs to a debugger.
    [[nodiscard]] Result<KprobeHandle> register_kprobe(KprobeSpec spec);
    /// All of them or, with the first one's error, none.
    [[nodiscard]] Result<std::vector<KprobeHandle>> register_kprobes(std::vector<KprobeSpec> specs);
    [[nodiscard]] Result<std::vector<KretprobeHandle>> register_kretprobes(
        std::vector<KretprobeSpec> specs);
    /// The same errors at the function's entry, and EINVAL for any other place or a function that
    /// returns on another stack (__switch_to); E2BIG for more than 4096 bytes or instances.
    [[nodiscard]] Result<KretprobeHandle> register_kretprobe(KretprobeSpec spec);
    /// EINVAL when the probe is no longer registered.
    Result<void> enable(Kprobe& probe);
    Result<void> disable(Kprobe& probe);

    /// Called for every exception that goes to the guest, in the order of registration, until one
    /// keeps it. Returns a number for the removal.
    unsigned add_exception_notifier(ExceptionNotifier notifier);
    /// The same for page faults only.
    unsigned add_page_fault_notifier(ExceptionNotifier notifier);
    void remove_notifier(unsigned number);

    /// An error when the guest has taken the probe window's place: all probes are disarmed then.
    [[nodiscard]] const Result<void>& window() const { return window_; }

    [[nodiscard]] const emu::Machine& machine() const { return machine_; }
    /// Registered probes, by address and then by age.
    [[nodiscard]] std::vector<std::shared_ptr<const Kprobe>> all() const;
    /// A probe's handlers, or its displaced instruction, are under way.
    [[nodiscard]] bool running() const { return !hits_.empty(); }
    /// Where the guest itself would be when `rip` is in an instruction slot or at a function's
    /// caught return; else `rip`.
    [[nodiscard]] GuestVa original_rip(GuestVa rip) const;

private:
    friend class KprobeHandle;
    friend class Kretprobes;

    /// Which instruction was moved to a slot. Stays when its probe is gone: a CPU may be in it.
    struct SlotOrigin {
        GuestVa address, next;
        std::weak_ptr<ProbePlace> place;
    };
    enum class Phase : std::uint8_t { Handlers, Stepping };

    /// One hit on its way. A second one can come only while a guest handler runs: it is a miss.
    struct Hit {
        std::shared_ptr<ProbePlace> place;
        std::vector<std::shared_ptr<Kprobe>> members;  ///< As they were when it came.
        std::size_t next = 0;                          ///< Of `members`, whose handlers are due.
        bool missed = false;
        Phase phase = Phase::Handlers;
        std::shared_ptr<DisplacedSlot> slot;  ///< While stepping.
    };

    [[nodiscard]] const TextRules& text_rules();
    Result<std::shared_ptr<ProbePlace>> place_at(GuestVa address, bool unsafe);
    /// Whether the instruction is still the one that was probed; else the probes there are gone.
    bool still_there(const std::shared_ptr<ProbePlace>& place);
    /// Makes int3 and slot agree with the place's members.
    Result<void> update(const std::shared_ptr<ProbePlace>& place);
    Result<void> update_slot(ProbePlace& place);
    Result<void> set_enabled(Kprobe& probe, bool enabled);
    void unregister(Kprobe& probe);

    void on_hit(GuestVa address);
    void run_handlers(std::size_t depth);
    void run_displaced();
    void on_stepped(GuestVa next, GuestVa slot);
    /// A displaced instruction faults: its hit is over, and the guest sees the original's address.
    bool on_fault(const emu::ExceptionEvent& event);
    /// The guest's page tables do not hold the window any more: puts it back, or gives up.
    bool on_window_missing(GuestVa original);
    void run_post_handlers(const Hit& hit);
    /// For handlers that are not of a hit: false when others are under way. Until end_handlers()
    /// hits are misses.
    [[nodiscard]] bool begin_handlers();
    void end_handlers();
    /// A stepped instruction cannot reach a probe, but its fault can: the guest then repeats it
    /// from its own address, and the hit that was waiting for it is over.
    void drop_abandoned_steps();

    emu::Machine& machine_;
    SlotPages slots_;
    std::map<GuestVa, std::shared_ptr<ProbePlace>> places_;
    /// By slot: what was put there last.
    std::unordered_map<std::uint64_t, SlotOrigin> slot_origins_;
    unsigned fault_handler_ = 0;
    std::map<unsigned, ExceptionNotifier> notifiers_;
    unsigned next_notifier_ = 0;
    Result<void> window_;
    std::vector<Hit> hits_;
    std::unique_ptr<Kretprobes> kretprobes_;
    std::optional<TextRules> text_rules_;
    const emu::Symbol* rules_made_for_ = nullptr;
};

}  // namespace trapgate::kernel

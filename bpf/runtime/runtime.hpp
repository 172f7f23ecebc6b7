// SPDX-License-Identifier: GPL-2.0-only
// Runs verified programs on the guest CPU: places their code in the probe window, gives them a
// stack and a context there, and answers the helpers that trap to the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "bpf/maps/map.hpp"
#include "bpf/runtime/guest_program.hpp"
#include "bpf/runtime/guest_storage.hpp"
#include "bpf/runtime/helper_call.hpp"
#include "bpf/runtime/pt_regs.hpp"
#include "bpf/verifier/verifier.hpp"
#include "emu/machine.hpp"

namespace trapgate::bpf {

/// The BPF side of one machine. The machine must outlive it; it must outlive its programs' runs and
/// the maps made in its storage. Calls are for the machine's own thread.
class GuestRuntime {
public:
    /// Takes nothing of the window before the first program or map comes: until then the guest runs
    /// on page tables that are all its own.
    explicit GuestRuntime(emu::Machine& machine);
    ~GuestRuntime();
    GuestRuntime(const GuestRuntime&) = delete;
    GuestRuntime& operator=(const GuestRuntime&) = delete;

    /// Where maps for this machine's programs must live.
    [[nodiscard]] Storage& storage() { return storage_; }

    /// Places a program: encodes it for its address and writes it into window text. `maps` are the
    /// verifier's, in its order, and stay alive with the program. Errors: ENOTSUPP (524) an
    /// instruction without encoding; EINVAL a helper that does not exist here; ENOMEM no window
    /// text.
    [[nodiscard]] Result<std::shared_ptr<GuestProgram>> load(const VerifiedProgram& program,
                                                             std::vector<std::shared_ptr<Map>> maps,
                                                             std::string name);

    /// A program is on its way on this CPU; no other may start (trace_call_bpf's rule).
    [[nodiscard]] bool busy() const;

    /// Gets R0, with the CPU's registers as they were when run() was called.
    using Done = std::function<void(std::uint64_t r0)>;
    /// For trap handlers: makes the CPU run `program` with `regs` as its context, and then `done`.
    /// Returns at once; the caller must return to the machine without touching the CPU. busy() must
    /// be false.
    void run(std::shared_ptr<GuestProgram> program, const PtRegs& regs, Done done);

    struct TestRun {
        std::uint64_t retval = 0;        ///< All 64 bits of R0.
        std::uint64_t instructions = 0;  ///< Guest instructions from the program's call to its end.
        Cycles cycles;
        std::vector<std::byte> context;  ///< As the program left it.
    };
    /// For the host between runs of the machine: runs `program` alone, to its end, on a copy of
    /// `context` (R1 points at it, or is 0 when it is empty; R2 is its length), and puts the CPU
    /// back. E2BIG a context over 64 KiB; EBUSY a program is on its way; ETIMEDOUT the limit;
    /// EFAULT the guest left the program by an exception;
    /// EINTR request_stop().
    [[nodiscard]] Result<TestRun> test_run(const std::shared_ptr<GuestProgram>& program,
                                           std::span<const std::byte> context,
                                           std::uint64_t max_instructions = 100'000'000);

    /// The task that the guest runs now, as bpf_get_current_comm sees it.
    [[nodiscard]] std::optional<CurrentTask> current_task() {
        return helper_state_.current_task(machine_);
    }

    /// Lines of bpf_trace_printk.
    void set_trace_sink(std::function<void(const TraceLine&)> sink) {
        helper_state_.trace_sink = std::move(sink);
    }
    /// A ring buffer got a record that its consumer must be told of (poll becomes readable).
    void set_wakeup_sink(std::function<void(Map&)> sink) {
        helper_state_.wakeup_sink = std::move(sink);
    }

private:
    struct Run;

    Result<void> set_up();
    [[nodiscard]] JitMap describe_map(const std::shared_ptr<Map>& map);
    /// Where a program calls the helper; made at first use.
    Result<GuestVa> helper_stub(std::uint32_t helper_id);
    Result<emu::WindowBlock> place_text(std::span<const std::uint8_t> code);
    void start(std::shared_ptr<GuestProgram> program, std::uint64_t r1, std::uint64_t r2,
               Done done);
    void on_program_end();
    /// A program faults: it ends there, and its event is dropped.
    bool on_fault();
    void on_helper(HelperBody body, GuestVa stub);

    emu::Machine& machine_;
    GuestStorage storage_;
    emu::WindowBlock trampoline_;
    emu::WindowBlock stack_;
    std::map<std::uint32_t, emu::WindowBlock> stubs_;  ///< By helper id.
    std::unique_ptr<Run> run_;
    unsigned fault_handler_ = 0;
    HelperState helper_state_;
};

}  // namespace trapgate::bpf

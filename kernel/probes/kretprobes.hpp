// SPDX-License-Identifier: GPL-2.0-only
// The machinery of return probes; users reach it through Kprobes::register_kretprobe.
//
// Each probe has `maxactive` instances, each instance a trampoline of its own: one int3 in window
// text. At the function's entry the return address on the guest's stack is replaced by the
// trampoline of a free instance; the instance keeps the address, where it stood, and the task. When
// the function returns, the trampoline says at once which instance it is: no stack of the guest's
// tasks has to be followed, and frames may go away in any order. Instances lie in window data, so
// that a snapshot of the machine holds them as it holds the stacks that refer to them.
//
//     tail calls, several probes on one function: the return address found is a trampoline already;
//     the instances form a chain, and all handlers run at the one return, last entry first.
//
// An instance is free again when its function has returned, or when nothing can return to its
// trampoline any more; that is looked for when a probe has no free one left, before a miss counts:
//     1. its place on the stack holds another value, or is no longer mapped;
//     2. it lies below the stack pointer of the task that runs, on that task's own kernel stack
//        (longjmp, an exec that has left the old frames behind);
//     3. its task has ended (TASK_DEAD, or the task_struct is another's now).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/machine.hpp"
#include "kernel/probes/kretprobe.hpp"
#include "kernel/probes/task_watch.hpp"

namespace trapgate::kernel {

class Kretprobes {
public:
    /// Both must outlive it.
    Kretprobes(emu::Machine& machine, Kprobes& kprobes);
    ~Kretprobes();
    Kretprobes(const Kretprobes&) = delete;
    Kretprobes& operator=(const Kretprobes&) = delete;

    /// See Kprobes::register_kretprobe.
    [[nodiscard]] Result<KretprobeHandle> register_kretprobe(KretprobeSpec spec);
    void unregister(Kretprobe& probe);

    /// Where a function returns to whose return address was found to be `address`; `address` itself
    /// when it is no trampoline in use.
    [[nodiscard]] GuestVa real_return(GuestVa address) const;
    /// Replaces trampolines among bytes read from guest memory at `va` by what the guest wrote.
    void hide(GuestVa va, std::span<std::byte> bytes) const;

private:
    using Pool = Kretprobe::Pool;
    /// An instance, by the trampoline's address.
    struct Found {
        Pool* pool = nullptr;
        std::size_t index = 0;
    };
    /// A return on its way through the handlers.
    struct Return {
        struct Step {
            std::shared_ptr<Pool> pool;
            std::size_t index = 0;
        };
        std::vector<Step> chain;
        std::size_t next = 0;
        GuestVa to;
    };

    [[nodiscard]] std::optional<Found> find(GuestVa trampoline) const;
    [[nodiscard]] std::optional<std::uint64_t> raw(GuestVa va) const;
    [[nodiscard]] bool is_dead(const Pool& pool, std::size_t index,
                               const std::optional<TaskIdentity>& current) const;
    [[nodiscard]] std::optional<std::size_t> free_instance(Pool& pool);
    int on_entry(Kretprobe& probe, ProbeRegs& regs);
    void on_return(GuestVa trampoline);
    void run_handlers();
    /// Puts the guest's own return addresses back.
    void release(Pool& pool);

    emu::Machine& machine_;
    Kprobes& kprobes_;
    TaskWatch tasks_;
    std::map<GuestVa, std::shared_ptr<Pool>> pools_;  ///< By their first trampoline.
    std::optional<Return> return_;
};

}  // namespace trapgate::kernel

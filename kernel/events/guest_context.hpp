// SPDX-License-Identifier: GPL-2.0-only
// Which task runs, and in what state, read from the guest's memory: task_struct by its BTF, Linux's
// per-CPU preempt_count, the interrupt flag. It is the guest's own state: a tracer inside the guest
// would show itself as well (interrupts off, a level of preemption more).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "bpf/runtime/helper_call.hpp"
#include "emu/machine.hpp"
#include "kernel/events/event_text.hpp"

namespace trapgate::kernel {

class GuestContext {
public:
    using Tasks = std::function<std::optional<bpf::CurrentTask>()>;
    /// `tasks` says who runs. The machine must outlive it.
    GuestContext(const emu::Machine& machine, Tasks tasks)
        : machine_(machine), tasks_(std::move(tasks)) {}

    struct Now {
        TraceContext context;
        std::string comm;  ///< The task's own name: "swapper/0" where the context has "<idle>".
    };
    /// On the CPU that runs, whose flags register is `rflags`. What the guest has no variable for
    /// counts as 0.
    [[nodiscard]] Now read(std::uint64_t rflags);

private:
    void look_up();
    [[nodiscard]] std::uint8_t flags(std::uint64_t rflags, std::uint32_t preempt_count,
                                     std::optional<GuestVa> task) const;

    const emu::Machine& machine_;
    Tasks tasks_;
    // Looked up at the first hit: BTF comes with the kernel.
    bool looked_up_ = false;
    std::optional<std::uint64_t> preempt_count_;  ///< As a symbol's value.
    std::optional<std::uint32_t> thread_flags_;   ///< Offset in task_struct.
};

}  // namespace trapgate::kernel

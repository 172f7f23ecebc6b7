// SPDX-License-Identifier: GPL-2.0-only
// Who runs, and who will never run again: read from the guest's own task_struct, by its symbols and
// BTF. The guest reports nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "emu/machine.hpp"

namespace trapgate::kernel {

/// A task at one moment; a task_struct that is used again has another pid.
struct TaskIdentity {
    GuestVa task;
    std::uint32_t pid = 0;
    GuestVa stack;  ///< Lowest address of its kernel stack.

    /// Whether `va` is in its kernel stack.
    [[nodiscard]] bool on_stack(GuestVa va) const;
};

/// Gives no answers for a kernel without current_task or BTF of task_struct.
class TaskWatch {
public:
    explicit TaskWatch(const emu::Machine& machine) : machine_(machine) {}

    [[nodiscard]] std::optional<TaskIdentity> current();
    /// Whether that task has ended: TASK_DEAD, or its task_struct is another's or nobody's.
    [[nodiscard]] bool gone(GuestVa task, std::uint32_t pid) const;

private:
    /// Symbol value (an offset from GS base when per-CPU, else an address), then byte offsets in
    /// struct task_struct.
    struct Layout {
        GuestVa current_task;
        std::uint32_t pid = 0, stack = 0, state = 0;
    };
    [[nodiscard]] std::optional<Layout> find() const;

    const emu::Machine& machine_;
    std::optional<Layout> layout_;
    bool looked_up_ = false;
};

}  // namespace trapgate::kernel

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/task_watch.hpp"

#include "bpf/runtime/btf_members.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint64_t kThreadBytes = 16384;  // THREAD_SIZE of x86-64
constexpr std::uint32_t kTaskDead = 0x80;      // TASK_DEAD, include/linux/sched.h
/// Per-CPU symbols count from 0; no kernel address is this low.
constexpr std::uint64_t kPerCpuLimit = 1ULL << 32;

}  // namespace

bool TaskIdentity::on_stack(GuestVa va) const { return va >= stack && va - stack < kThreadBytes; }

std::optional<TaskWatch::Layout> TaskWatch::find() const {
    const emu::Symbol* symbol = nullptr;
    for (const emu::Symbol& candidate : machine_.symbols().all()) {
        // pcpu_hot (Linux 6.2 and later) starts with current_task.
        if (candidate.name == "current_task" || candidate.name == "pcpu_hot") {
            symbol = &candidate;
        }
    }
    if (symbol == nullptr) {
        return std::nullopt;
    }
    const bpf::BtfMembers btf(machine_.kernel_btf());
    const auto pid = btf.offset_of("task_struct", "pid");
    const auto stack = btf.offset_of("task_struct", "stack");
    const auto state = btf.offset_of("task_struct", "__state");
    if (!pid || !stack || !state) {
        return std::nullopt;
    }
    return Layout{symbol->address, *pid, *stack, *state};
}

std::optional<TaskIdentity> TaskWatch::current() {
    if (!looked_up_) {
        layout_ = find();
        looked_up_ = true;
    }
    if (!layout_) {
        return std::nullopt;
    }
    GuestVa pointer = layout_->current_task;
    if (pointer.value < kPerCpuLimit) {
        pointer = pointer + machine_.cpu().registers().gs.base;
    }
    const auto task = emu::read_value<std::uint64_t>(machine_, pointer);
    if (!task || *task == 0) {
        return std::nullopt;
    }
    const GuestVa at{*task};
    const auto pid = emu::read_value<std::uint32_t>(machine_, at + layout_->pid);
    const auto stack = emu::read_value<std::uint64_t>(machine_, at + layout_->stack);
    if (!pid || !stack) {
        return std::nullopt;
    }
    return TaskIdentity{at, *pid, GuestVa{*stack}};
}

bool TaskWatch::gone(GuestVa task, std::uint32_t pid) const {
    if (!layout_ || task.value == 0) {
        return false;
    }
    const auto pid_now = emu::read_value<std::uint32_t>(machine_, task + layout_->pid);
    const auto state = emu::read_value<std::uint32_t>(machine_, task + layout_->state);
    return !pid_now || *pid_now != pid || !state || (*state & kTaskDead) != 0;
}

}  // namespace trapgate::kernel

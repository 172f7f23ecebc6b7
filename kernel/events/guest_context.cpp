// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/guest_context.hpp"

#include "bpf/runtime/btf_members.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint64_t kInterruptFlag = 1U << 9;  // of RFLAGS
// include/linux/preempt.h, arch/x86/include/asm/{preempt,thread_info}.h
constexpr std::uint32_t kDepthMask = 0xff;
constexpr std::uint32_t kServingSoftIrq = 0x100;
constexpr std::uint32_t kSoftIrqDisabled = 0xfe00;
constexpr std::uint32_t kHardIrqMask = 0xf'0000;
constexpr std::uint32_t kNmiMask = 0xf0'0000;
constexpr std::uint32_t kNoResched = 0x8000'0000;  // Inverted: clear when one is wanted.
constexpr std::uint64_t kThreadResched = 1U << 3;  // TIF_NEED_RESCHED

}  // namespace

void GuestContext::look_up() {
    looked_up_ = true;
    const bpf::BtfMembers btf(machine_.kernel_btf());
    if (const auto symbol = machine_.symbols().find("__preempt_count")) {
        preempt_count_ = symbol->address.value;
    } else if (const auto hot = machine_.symbols().find("pcpu_hot")) {  // Linux 6.2 to 6.14
        const auto offset = btf.offset_of("pcpu_hot", "preempt_count");
        preempt_count_ = offset ? std::optional(hot->address.value + *offset) : std::nullopt;
    }
    const auto thread = btf.offset_of("task_struct", "thread_info");
    const auto flags = btf.offset_of("thread_info", "flags");
    thread_flags_ = thread && flags ? std::optional(*thread + *flags) : std::nullopt;
}

std::uint8_t GuestContext::flags(std::uint64_t rflags, std::uint32_t preempt_count,
                                 std::optional<GuestVa> task) const {
    unsigned flags = (rflags & kInterruptFlag) == 0 ? kIrqsOff : 0U;
    flags |= (preempt_count & kNmiMask) != 0 ? kNmi : 0U;
    flags |= (preempt_count & kHardIrqMask) != 0 ? kHardIrq : 0U;
    flags |= (preempt_count & kServingSoftIrq) != 0 ? kSoftIrq : 0U;
    flags |= (preempt_count & kSoftIrqDisabled) != 0 ? kBottomHalfOff : 0U;
    const auto thread = task && thread_flags_
                            ? emu::read_value<std::uint64_t>(machine_, *task + *thread_flags_)
                            : std::nullopt;
    if (thread && (*thread & kThreadResched) != 0) {
        flags |= kNeedResched;
        flags |= (preempt_count & kNoResched) == 0 ? kPreemptResched : 0U;
    }
    return static_cast<std::uint8_t>(flags);
}

GuestContext::Now GuestContext::read(std::uint64_t rflags) {
    if (!looked_up_) {
        look_up();
    }
    Now now;
    const std::optional<bpf::CurrentTask> task = tasks_();
    now.comm = task ? task->comm : "";
    now.context.task = !task ? "<...>" : task->pid == 0 ? "<idle>" : task->comm;
    now.context.pid = task ? task->pid : 0;
    now.context.cpu = machine_.current_cpu();
    now.context.ns = machine_.now_ns();
    std::uint32_t count = 0;
    if (preempt_count_) {
        count = emu::read_value<std::uint32_t>(machine_,
                                               bpf::per_cpu_address(machine_, *preempt_count_))
                    .value_or(kNoResched);
    }
    now.context.flags = flags(rflags, count, task ? std::optional(task->address) : std::nullopt);
    now.context.preempt_count = static_cast<std::uint8_t>(count & kDepthMask & 0xf);
    return now;
}

}  // namespace trapgate::kernel

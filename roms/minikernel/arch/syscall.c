// SPDX-License-Identifier: GPL-2.0-only
#include "arch/syscall.h"

#include "arch/desc.h"
#include "kernel/syscall.h"
#include "kernel/trace/events.h"

void entry_SYSCALL_64(void);

#define X86_EFLAGS_CLEARED 0x257fd5UL  // all that a program could have set

void syscall_init(void) {
    // SYSRET would take its segments from STAR[63:48].
    wrmsr(MSR_STAR, 0x23UL << 48 | (u64)__KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (u64)entry_SYSCALL_64);
    wrmsr(MSR_SYSCALL_MASK, X86_EFLAGS_CLEARED);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
    write_cr0((read_cr0() | X86_CR0_MP) & ~X86_CR0_EM);
    write_cr4(read_cr4() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT);
}

void syscall_exit_to_user_mode(struct pt_regs* regs) {
    for (;;) {
        local_irq_disable();
        if (need_resched()) {
            local_irq_enable();
            schedule();
        } else if (signal_pending(current)) {
            local_irq_enable();
            arch_do_signal_or_restart(regs);
        } else {
            return;
        }
    }
}

/// From entry_SYSCALL_64, on the task's kernel stack.
void do_syscall_64(struct pt_regs* regs);
void do_syscall_64(struct pt_regs* regs) {
    local_irq_enable();
    unsigned long nr = regs->orig_ax;
    regs->ax = (unsigned long)-ENOSYS;
    if (trace_sys_enter_enabled()) {
        syscall_trace_enter(regs, (long)nr);
    }
    regs->ax = (unsigned long)sys_call(nr)(regs);
    if (trace_sys_exit_enabled()) {
        syscall_trace_exit(regs, (long)nr);
    }
    syscall_exit_to_user_mode(regs);
}

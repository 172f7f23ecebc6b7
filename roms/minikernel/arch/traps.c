// SPDX-License-Identifier: GPL-2.0-only
#include "arch/traps.h"

#include "arch/extable.h"
#include "arch/processor.h"
#include "arch/reboot.h"
#include "arch/smp.h"
#include "arch/syscall.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "mm/stack.h"

// The C half of every exception but the page fault (arch/fault.c).

void die(const char* text, struct pt_regs* regs, unsigned long error_code) {
    console_verbose();
    printk("%s: %04lx\n", text, error_code & 0xffff);
    show_regs(regs);
    panic_after_oops("Fatal exception");
}

static void do_error_trap(struct pt_regs* regs, unsigned long error_code, const char* text,
                          int sig) {
    if (user_mode(regs)) {
        local_irq_enable();
        force_sig_fault(sig, SI_KERNEL, regs->ip);
        syscall_exit_to_user_mode(regs);
    } else if (!fixup_exception(regs)) {
        die(text, regs, error_code);
    }
}

#define DEFINE_TRAP(name, text, sig)                                  \
    void exc_##name(struct pt_regs* regs, unsigned long error_code);  \
    void exc_##name(struct pt_regs* regs, unsigned long error_code) { \
        do_error_trap(regs, error_code, text, sig);                   \
    }

DEFINE_TRAP(divide_error, "divide error", SIGFPE)
DEFINE_TRAP(overflow, "overflow", SIGSEGV)
DEFINE_TRAP(bounds, "bounds", SIGSEGV)
DEFINE_TRAP(invalid_op, "invalid opcode", SIGILL)
DEFINE_TRAP(device_not_available, "device not available", SIGSEGV)
DEFINE_TRAP(coproc_segment_overrun, "coprocessor segment overrun", SIGSEGV)
DEFINE_TRAP(invalid_tss, "invalid TSS", SIGSEGV)
DEFINE_TRAP(segment_not_present, "segment not present", SIGBUS)
DEFINE_TRAP(stack_segment, "stack segment", SIGBUS)
DEFINE_TRAP(general_protection, "general protection fault", SIGSEGV)
DEFINE_TRAP(coprocessor_error, "fpu exception", SIGFPE)
DEFINE_TRAP(alignment_check, "alignment check", SIGBUS)
DEFINE_TRAP(machine_check, "machine check", SIGSEGV)
DEFINE_TRAP(simd_coprocessor_error, "simd exception", SIGFPE)
DEFINE_TRAP(virtualization_exception, "virtualization exception", SIGSEGV)
DEFINE_TRAP(control_protection, "control protection fault", SIGSEGV)

// A probe's own traps pass through these three, so no probe may sit in them.

__kprobes void exc_int3(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_int3(struct pt_regs* regs, unsigned long error_code) {
    do_error_trap(regs, error_code, "int3", SIGTRAP);
}

__kprobes void exc_debug(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_debug(struct pt_regs* regs, unsigned long error_code) {
    (void)error_code;
    // A stray single step: nobody here asked for it, and going on is better than dying of it.
    regs->flags &= ~X86_EFLAGS_TF;
    __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0UL));
    if (user_mode(regs)) {
        send_sig(SIGTRAP, current);
        return;
    }
    printk("exc_debug: unexpected #DB at %pS\n", (void*)regs->ip);
}

__kprobes void exc_nmi(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_nmi(struct pt_regs* regs, unsigned long error_code) {
    (void)error_code;
    if (stopping_cpu >= 0 && stopping_cpu != (int)smp_processor_id()) {
        stop_this_cpu();
    }
    printk("Uhhuh. NMI received for unknown reason at %pS\n", (void*)regs->ip);
}

__kprobes void exc_double_fault(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_double_fault(struct pt_regs* regs, unsigned long error_code) {
    // The CPU could not push a frame: with the fault just below a stack, the stack was used up.
    if (in_stack_guard(read_cr2())) {
        die("kernel stack overflow", regs, error_code);
    }
    die("double fault", regs, error_code);
}

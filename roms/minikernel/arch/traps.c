// SPDX-License-Identifier: GPL-2.0-only
#include "arch/traps.h"

#include "arch/extable.h"
#include "arch/processor.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "mm/stack.h"

// The C half of every exception but the page fault (arch/fault.c).

void die(const char* text, struct pt_regs* regs, unsigned long error_code) {
    printk("%s: %04lx\n", text, error_code & 0xffff);
    show_regs(regs);
    panic_after_oops("Fatal exception");
}

static void do_error_trap(struct pt_regs* regs, unsigned long error_code, const char* text) {
    if (!fixup_exception(regs)) {
        die(text, regs, error_code);
    }
}

#define DEFINE_TRAP(name, text)                                       \
    void exc_##name(struct pt_regs* regs, unsigned long error_code);  \
    void exc_##name(struct pt_regs* regs, unsigned long error_code) { \
        do_error_trap(regs, error_code, text);                        \
    }

DEFINE_TRAP(divide_error, "divide error")
DEFINE_TRAP(overflow, "overflow")
DEFINE_TRAP(bounds, "bounds")
DEFINE_TRAP(invalid_op, "invalid opcode")
DEFINE_TRAP(device_not_available, "device not available")
DEFINE_TRAP(coproc_segment_overrun, "coprocessor segment overrun")
DEFINE_TRAP(invalid_tss, "invalid TSS")
DEFINE_TRAP(segment_not_present, "segment not present")
DEFINE_TRAP(stack_segment, "stack segment")
DEFINE_TRAP(general_protection, "general protection fault")
DEFINE_TRAP(coprocessor_error, "fpu exception")
DEFINE_TRAP(alignment_check, "alignment check")
DEFINE_TRAP(machine_check, "machine check")
DEFINE_TRAP(simd_coprocessor_error, "simd exception")
DEFINE_TRAP(virtualization_exception, "virtualization exception")
DEFINE_TRAP(control_protection, "control protection fault")

// A probe's own traps pass through these three, so no probe may sit in them.

__kprobes void exc_int3(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_int3(struct pt_regs* regs, unsigned long error_code) {
    do_error_trap(regs, error_code, "int3");
}

__kprobes void exc_debug(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_debug(struct pt_regs* regs, unsigned long error_code) {
    (void)error_code;
    // A stray single step: nobody here asked for it, and going on is better than dying of it.
    regs->flags &= ~X86_EFLAGS_TF;
    __asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0UL));
    printk("exc_debug: unexpected #DB at %pS\n", (void*)regs->ip);
}

__kprobes void exc_nmi(struct pt_regs* regs, unsigned long error_code);
__kprobes void exc_nmi(struct pt_regs* regs, unsigned long error_code) {
    (void)error_code;
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

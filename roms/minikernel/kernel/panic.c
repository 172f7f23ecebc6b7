// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/panic.h"

#include "arch/desc.h"
#include "arch/processor.h"
#include "arch/reboot.h"
#include "arch/smp.h"
#include "arch/traps.h"
#include "kernel/printk.h"
#include "lib/vsprintf.h"

#define PANIC_STATUS 255

static void begin_panic(const char* text) {
    static int panic_cpu = -1;
    int nobody = -1, me = (int)smp_processor_id();
    local_irq_disable();
    if (!__atomic_compare_exchange_n(&panic_cpu, &nobody, me, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        if (panic_cpu == me) {
            debug_exit(PANIC_STATUS);  // the panic itself went wrong
        }
        stop_this_cpu();
    }
    smp_send_stop();
    console_verbose();
    printk("Kernel panic - not syncing: %s\n", text);
}

static void __noreturn end_panic(const char* text) {
    printk("---[ end Kernel panic - not syncing: %s ]---\n", text);
    debug_exit(PANIC_STATUS);
}

#define CALL_INSN_SIZE 5

// What the CPU's registers hold where this is expanded.
#define CAPTURE_REGS(regs)                              \
    __asm__ volatile(                                   \
        "movq %%r15, 0(%0)\n\tmovq %%r14, 8(%0)\n\t"    \
        "movq %%r13, 16(%0)\n\tmovq %%r12, 24(%0)\n\t"  \
        "movq %%rbp, 32(%0)\n\tmovq %%rbx, 40(%0)\n\t"  \
        "movq %%r11, 48(%0)\n\tmovq %%r10, 56(%0)\n\t"  \
        "movq %%r9, 64(%0)\n\tmovq %%r8, 72(%0)\n\t"    \
        "movq %%rax, 80(%0)\n\tmovq %%rcx, 88(%0)\n\t"  \
        "movq %%rdx, 96(%0)\n\tmovq %%rsi, 104(%0)\n\t" \
        "movq %%rdi, 112(%0)\n\tpushfq\n\tpopq 144(%0)" \
        :                                               \
        : "a"(regs)                                     \
        : "memory")

void panic(const char* fmt, ...) {
    // Those of our caller, at its call, as far as they survive it.
    struct pt_regs regs = {.cs = __KERNEL_CS, .ss = __KERNEL_DS};
    CAPTURE_REGS(&regs);
    regs.ip = (unsigned long)__builtin_return_address(0) - CALL_INSN_SIZE;
    regs.sp = (unsigned long)__builtin_frame_address(0) + 16;
    char text[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    begin_panic(text);
    show_regs(&regs);
    end_panic(text);
}

void panic_after_oops(const char* text) {
    begin_panic(text);
    end_panic(text);
}

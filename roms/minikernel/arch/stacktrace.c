// SPDX-License-Identifier: GPL-2.0-only
#include "arch/processor.h"
#include "arch/sections.h"
#include "arch/smp.h"
#include "arch/traps.h"
#include "kernel/module.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "mm/maccess.h"

// Every function keeps a frame pointer: [rbp] is the caller's rbp, [rbp + 8] the return address.
// entry.S leaves the address of a struct pt_regs, plus one, in that chain.

#define MAX_FRAMES 16

struct stack_frame {
    unsigned long next, return_address;
};

static bool is_text(unsigned long address) {
    return (address >= (unsigned long)_text && address < (unsigned long)_etext) ||
           module_address(address) != NULL;
}

static void show_trace(unsigned long frame) {
    printk("Call Trace:\n");
    for (int i = 0; i < MAX_FRAMES && frame != 0; i++) {
        if (frame & 1) {
            struct pt_regs regs;
            if (copy_from_kernel_nofault(&regs, (void*)(frame - 1), sizeof(regs)) != 0) {
                return;
            }
            printk(" <trap> at %pS\n", (void*)regs.ip);
            frame = regs.bp;
            continue;
        }
        struct stack_frame here;
        if (copy_from_kernel_nofault(&here, (void*)frame, sizeof(here)) != 0 ||
            !is_text(here.return_address)) {
            return;
        }
        printk(" %pB\n", (void*)here.return_address);
        frame = here.next;
    }
}

void show_regs(const struct pt_regs* regs) {
    printk("CPU: %u PID: %d Comm: %s\n", smp_processor_id(), current->pid, current->comm);
    printk("RIP: %04lx:%pS\n", regs->cs, (void*)regs->ip);
    printk("RSP: %04lx:%016lx EFLAGS: %08lx\n", regs->ss, regs->sp, regs->flags);
    printk("RAX: %016lx RBX: %016lx RCX: %016lx\n", regs->ax, regs->bx, regs->cx);
    printk("RDX: %016lx RSI: %016lx RDI: %016lx\n", regs->dx, regs->si, regs->di);
    printk("RBP: %016lx R08: %016lx R09: %016lx\n", regs->bp, regs->r8, regs->r9);
    printk("R10: %016lx R11: %016lx R12: %016lx\n", regs->r10, regs->r11, regs->r12);
    printk("R13: %016lx R14: %016lx R15: %016lx\n", regs->r13, regs->r14, regs->r15);
    printk("CR0: %016lx CR2: %016lx CR3: %016lx CR4: %08lx\n", read_cr0(), read_cr2(), read_cr3(),
           read_cr4());
    show_trace(regs->bp);
}

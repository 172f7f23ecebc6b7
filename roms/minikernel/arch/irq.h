// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/percpu.h"
#include "arch/ptrace.h"

#define FIRST_EXTERNAL_VECTOR 0x20
#define NR_IRQS 16
#define IRQ_ENTRY_BYTES 16

extern char irq_entries_start[];

typedef void (*irq_handler_t)(int irq, void* dev);

struct irqaction {
    irq_handler_t handler;
    void* dev;
    const char* name;
    unsigned long count;
};

/// Routes an interrupt line to `handler` and opens it.
void request_irq(int irq, irq_handler_t handler, const char* name, void* dev);
void init_IRQ(void);
/// What every interrupt does last: switch tasks if it is time, and what user mode waits for.
void irqentry_exit(struct pt_regs* regs);

/// What the interrupt that is being handled has interrupted.
DECLARE_PER_CPU(struct pt_regs*, __irq_regs);
#define get_irq_regs() this_cpu_read(__irq_regs)

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/irq.h"

#include "arch/processor.h"
#include "arch/syscall.h"
#include "drivers/i8259.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/trace/events.h"

DEFINE_PER_CPU(struct pt_regs*, __irq_regs);

static struct irqaction irq_desc[NR_IRQS];

void request_irq(int irq, irq_handler_t handler, const char* name, void* dev) {
    irq_desc[irq] = (struct irqaction){.handler = handler, .dev = dev, .name = name};
    i8259_unmask(irq);
}

void init_IRQ(void) { init_8259A(FIRST_EXTERNAL_VECTOR); }

static void handle_irq(int irq) {
    struct irqaction* action = &irq_desc[irq];
    if (i8259_is_spurious(irq)) {
        return;
    }
    action->count++;
    if (action->handler != NULL) {
        trace_irq_handler_entry(irq, action);
        action->handler(irq, action->dev);
        trace_irq_handler_exit(irq, action, 1);
    } else {
        printk("handle_irq: nobody cared about irq %d\n", irq);
    }
    i8259_eoi(irq);
}

/// Where arch/entry.S sends every interrupt line. Interrupts stay off in here.
void common_interrupt(struct pt_regs* regs, unsigned long vector);
void common_interrupt(struct pt_regs* regs, unsigned long vector) {
    irq_enter();
    this_cpu_write(__irq_regs, regs);
    handle_irq((int)(vector - FIRST_EXTERNAL_VECTOR));
    irq_exit();
    irqentry_exit(regs);
}

void irqentry_exit(struct pt_regs* regs) {
    if (user_mode(regs)) {
        syscall_exit_to_user_mode(regs);
        return;
    }
    // Kernel code is preemptible wherever it has not said otherwise.
    if ((regs->flags & X86_EFLAGS_IF) && preempt_count() == 0 && need_resched()) {
        preempt_schedule_irq();
    }
}

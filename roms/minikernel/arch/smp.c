// SPDX-License-Identifier: GPL-2.0-only
#include "arch/smp.h"

#include "arch/apic.h"
#include "arch/irq.h"
#include "arch/processor.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "kernel/time.h"
#include "kernel/trace/events.h"

// What CPUs tell each other, by interprocessor interrupts.

void smp_send_reschedule(unsigned int cpu) { apic_send_IPI(cpu, RESCHEDULE_VECTOR); }

void tick_broadcast(unsigned long cpus) {
    for_each_online_cpu(cpu) {
        if (cpus & cpumask_of(cpu)) {
            apic_send_IPI(cpu, LOCAL_TIMER_VECTOR);
        }
    }
}

// One call at a time.
static struct {
    spinlock_t lock;
    void (*func)(void* info);
    void* info;
    unsigned long pending;  // CPUs that have not run it yet
} call_data;

static void run_call_function(void) {
    unsigned long me = cpumask_of(smp_processor_id());
    if (__atomic_load_n(&call_data.pending, __ATOMIC_ACQUIRE) & me) {
        call_data.func(call_data.info);
        __atomic_fetch_and(&call_data.pending, ~me, __ATOMIC_RELEASE);
    }
}

void smp_call_function_many(unsigned long cpus, void (*func)(void* info), void* info) {
    preempt_disable();
    cpus &= cpu_online_mask & ~cpumask_of(smp_processor_id());
    if (cpus != 0) {
        if (irqs_disabled()) {
            panic("smp_call_function_many: interrupts are off");  // two who do this never end
        }
        spin_lock(&call_data.lock);
        call_data.func = func;
        call_data.info = info;
        __atomic_store_n(&call_data.pending, cpus, __ATOMIC_RELEASE);
        for_each_online_cpu(cpu) {
            if (cpus & cpumask_of(cpu)) {
                apic_send_IPI(cpu, CALL_FUNCTION_VECTOR);
            }
        }
        while (__atomic_load_n(&call_data.pending, __ATOMIC_ACQUIRE) != 0) {
            cpu_relax();
        }
        spin_unlock(&call_data.lock);
    }
    preempt_enable();
}

int stopping_cpu = -1;

void smp_send_stop(void) {
    if (num_online_cpus() > 1) {
        WRITE_ONCE(stopping_cpu, (int)smp_processor_id());
        apic_send_NMI_allbutself();  // even to those that have interrupts off
    }
}

// Where arch/entry.S sends these interrupts.

#define DEFINE_IDTENTRY_SYSVEC(name, vector, event, statement)       \
    void sysvec_##name(struct pt_regs* regs, unsigned long unused);  \
    void sysvec_##name(struct pt_regs* regs, unsigned long unused) { \
        (void)unused;                                                \
        irq_enter();                                                 \
        this_cpu_write(__irq_regs, regs);                            \
        apic_eoi();                                                  \
        trace_##event##_entry(vector);                               \
        statement;                                                   \
        trace_##event##_exit(vector);                                \
        irq_exit();                                                  \
        irqentry_exit(regs);                                         \
    }

// To have come is all: on the way out, everybody looks at need_resched and signals.
DEFINE_IDTENTRY_SYSVEC(reschedule_ipi, RESCHEDULE_VECTOR, reschedule, (void)0)
DEFINE_IDTENTRY_SYSVEC(call_function, CALL_FUNCTION_VECTOR, call_function, run_call_function())
DEFINE_IDTENTRY_SYSVEC(apic_timer_interrupt, LOCAL_TIMER_VECTOR, local_timer,
                       update_process_times())

/// A request that went away; no EOI.
void sysvec_spurious_apic_interrupt(struct pt_regs* regs, unsigned long unused);
void sysvec_spurious_apic_interrupt(struct pt_regs* regs, unsigned long unused) {
    (void)regs;
    (void)unused;
}

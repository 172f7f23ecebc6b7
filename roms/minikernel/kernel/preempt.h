// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/percpu.h"

// How many reasons there are now not to switch tasks on this CPU: locks held, and interrupts being
// handled.
DECLARE_PER_CPU(int, __preempt_count);

#define HARDIRQ_OFFSET (1 << 16)

/// Switches tasks when a tick or a wake-up asked for it.
void preempt_schedule(void);

static inline int preempt_count(void) { return this_cpu_read(__preempt_count); }

static inline void preempt_disable(void) {
    this_cpu_add(__preempt_count, 1);
    barrier();
}

static inline void preempt_enable_no_resched(void) {
    barrier();
    this_cpu_add(__preempt_count, -1);
}

static inline void preempt_enable(void) {
    preempt_enable_no_resched();
    if (preempt_count() == 0) {
        preempt_schedule();
    }
}

static inline void irq_enter(void) { this_cpu_add(__preempt_count, HARDIRQ_OFFSET); }

static inline void irq_exit(void) { this_cpu_add(__preempt_count, -HARDIRQ_OFFSET); }

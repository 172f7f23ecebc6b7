// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/processor.h"
#include "kernel/preempt.h"

typedef struct spinlock {
    int locked;
} spinlock_t;

// raw_*: for the scheduler's own lock, which is held across a task switch.

static inline void raw_spin_lock(spinlock_t* lock) {
    while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)) {
        cpu_relax();
    }
}

static inline void raw_spin_unlock(spinlock_t* lock) {
    __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

static inline void spin_lock(spinlock_t* lock) {
    preempt_disable();
    raw_spin_lock(lock);
}

static inline void spin_unlock(spinlock_t* lock) {
    raw_spin_unlock(lock);
    preempt_enable();
}

static inline unsigned long spin_lock_irqsave(spinlock_t* lock) {
    unsigned long flags = local_irq_save();
    spin_lock(lock);
    return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t* lock, unsigned long flags) {
    raw_spin_unlock(lock);
    local_irq_restore(flags);
    preempt_enable();
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/processor.h"
#include "kernel/preempt.h"

/// A lock whose waiters spin. While a CPU holds one, it does not switch tasks. A lock that an
/// interrupt handler takes, too, is taken everywhere else with interrupts off: the _irq and
/// _irqsave functions. README.md lists the locks and their order.
typedef struct spinlock {
    u32 owner;  // 0, or the number of the CPU that holds it, plus one
} spinlock_t;

/// Waits for a lock that was not free.
void spin_lock_slow(spinlock_t* lock);

static inline bool raw_spin_trylock(spinlock_t* lock) {
    u32 free = 0;
    return __atomic_compare_exchange_n(&lock->owner, &free, this_cpu_read(cpu_number) + 1, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// raw_*: for the scheduler's own lock, which is held across a task switch.

static inline void raw_spin_lock(spinlock_t* lock) {
    if (!raw_spin_trylock(lock)) {
        spin_lock_slow(lock);
    }
}

static inline void raw_spin_unlock(spinlock_t* lock) {
    __atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
}

static inline void spin_lock(spinlock_t* lock) {
    preempt_disable();
    raw_spin_lock(lock);
}

static inline void spin_unlock(spinlock_t* lock) {
    raw_spin_unlock(lock);
    preempt_enable();
}

/// Where interrupts are known to be on.
static inline void spin_lock_irq(spinlock_t* lock) {
    local_irq_disable();
    spin_lock(lock);
}

static inline void spin_unlock_irq(spinlock_t* lock) {
    raw_spin_unlock(lock);
    local_irq_enable();
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

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/mutex.h"

#include "kernel/panic.h"
#include "kernel/sched.h"

void mutex_init(struct mutex* lock) {
    lock->owner = NULL;
    init_waitqueue_head(&lock->wait);
}

static bool mutex_trylock(struct mutex* lock) {
    struct task_struct* nobody = NULL;
    return __atomic_compare_exchange_n(&lock->owner, &nobody, current, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

void mutex_lock(struct mutex* lock) {
    if (!mutex_trylock(lock)) {
        wait_event(lock->wait, mutex_trylock(lock));
    }
}

void mutex_unlock(struct mutex* lock) {
    if (lock->owner != current) {
        panic("mutex_unlock: not the owner");
    }
    // Sequentially consistent: who queues up after we looked has seen that the mutex is free.
    __atomic_store_n(&lock->owner, NULL, __ATOMIC_SEQ_CST);
    if (!list_empty(&lock->wait.head)) {
        __wake_up(&lock->wait, TASK_NORMAL);
    }
}

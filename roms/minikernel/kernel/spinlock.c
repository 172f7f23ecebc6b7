// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/spinlock.h"

#include "kernel/panic.h"

void spin_lock_slow(spinlock_t* lock) {
    if (READ_ONCE(lock->owner) == this_cpu_read(cpu_number) + 1) {
        panic("spin_lock: CPU %u waits for itself", this_cpu_read(cpu_number));
    }
    do {
        // Reading alone leaves the cache line to the owner.
        while (READ_ONCE(lock->owner) != 0) {
            cpu_relax();
        }
    } while (!raw_spin_trylock(lock));
}

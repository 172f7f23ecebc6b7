// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/completion.h"

#include "kernel/sched.h"

void complete(struct completion* x) {
    // `done` changes under the lock: the waiter takes it once more before it goes on, so that its
    // stack is not gone while we are still here.
    unsigned long flags = spin_lock_irqsave(&x->wait.lock);
    WRITE_ONCE(x->done, true);
    __wake_up_locked(&x->wait, TASK_NORMAL);
    spin_unlock_irqrestore(&x->wait.lock, flags);
}

void wait_for_completion(struct completion* x) { wait_event(x->wait, READ_ONCE(x->done)); }

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/wait.h"

#include "kernel/sched.h"

void init_waitqueue_head(struct wait_queue_head* wq_head) {
    *wq_head = (struct wait_queue_head){.head = LIST_HEAD_INIT(wq_head->head)};
}

void prepare_to_wait(struct wait_queue_head* wq_head, struct wait_queue_entry* wq_entry,
                     unsigned int state) {
    unsigned long flags = spin_lock_irqsave(&wq_head->lock);
    if (list_empty(&wq_entry->entry)) {
        list_add_tail(&wq_entry->entry, &wq_head->head);
    }
    set_current_state(state);
    spin_unlock_irqrestore(&wq_head->lock, flags);
}

void finish_wait(struct wait_queue_head* wq_head, struct wait_queue_entry* wq_entry) {
    set_current_state(TASK_RUNNING);
    unsigned long flags = spin_lock_irqsave(&wq_head->lock);
    list_del_init(&wq_entry->entry);
    spin_unlock_irqrestore(&wq_head->lock, flags);
}

void __wake_up_locked(struct wait_queue_head* wq_head, unsigned int mode) {
    struct wait_queue_entry* waiter;
    list_for_each_entry(waiter, &wq_head->head, entry) { try_to_wake_up(waiter->task, mode, 0); }
}

void __wake_up(struct wait_queue_head* wq_head, unsigned int mode) {
    unsigned long flags = spin_lock_irqsave(&wq_head->lock);
    __wake_up_locked(wq_head, mode);
    spin_unlock_irqrestore(&wq_head->lock, flags);
}

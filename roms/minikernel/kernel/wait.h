// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/spinlock.h"
#include "lib/list.h"

struct task_struct;

struct wait_queue_head {
    spinlock_t lock;
    struct list_head head;
};

struct wait_queue_entry {
    struct task_struct* task;
    struct list_head entry;
};

void init_waitqueue_head(struct wait_queue_head* wq_head);
/// Joins the queue (once) and sets the task's state.
void prepare_to_wait(struct wait_queue_head* wq_head, struct wait_queue_entry* wq_entry,
                     unsigned int state);
void finish_wait(struct wait_queue_head* wq_head, struct wait_queue_entry* wq_entry);
/// Wakes every waiter whose state is one of `mode`.
void __wake_up(struct wait_queue_head* wq_head, unsigned int mode);
/// The same with the queue's lock held.
void __wake_up_locked(struct wait_queue_head* wq_head, unsigned int mode);

/// The same, but a signal ends it, too: 0, or -ERESTARTSYS.
#define wait_event_interruptible(wq_head, condition)                            \
    ({                                                                          \
        struct wait_queue_entry wait_ = {current, LIST_HEAD_INIT(wait_.entry)}; \
        int error_ = 0;                                                         \
        for (;;) {                                                              \
            prepare_to_wait(&(wq_head), &wait_, TASK_INTERRUPTIBLE);            \
            if (condition) {                                                    \
                break;                                                          \
            }                                                                   \
            if (signal_pending(current)) {                                      \
                error_ = -ERESTARTSYS;                                          \
                break;                                                          \
            }                                                                   \
            schedule();                                                         \
        }                                                                       \
        finish_wait(&(wq_head), &wait_);                                        \
        error_;                                                                 \
    })

/// Sleeps until `condition` holds; it is tested again after each __wake_up.
#define wait_event(wq_head, condition)                                          \
    do {                                                                        \
        struct wait_queue_entry wait_ = {current, LIST_HEAD_INIT(wait_.entry)}; \
        for (;;) {                                                              \
            prepare_to_wait(&(wq_head), &wait_, TASK_UNINTERRUPTIBLE);          \
            if (condition) {                                                    \
                break;                                                          \
            }                                                                   \
            schedule();                                                         \
        }                                                                       \
        finish_wait(&(wq_head), &wait_);                                        \
    } while (0)

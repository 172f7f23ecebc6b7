// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/timer.h"

#include "kernel/sched.h"
#include "kernel/time.h"
#include "kernel/trace/events.h"

static struct list_head timers = LIST_HEAD_INIT(timers);  // the soonest first
static spinlock_t timers_lock;
static struct timer_list* running_timer;  // its function is being called

void add_timer(struct timer_list* timer) {
    trace_timer_start(timer, timer->expires, 0);
    unsigned long flags = spin_lock_irqsave(&timers_lock);
    struct timer_list* later;
    list_for_each_entry(later, &timers, entry) {
        if (later->expires > timer->expires) {
            break;
        }
    }
    list_add_tail(&timer->entry, &later->entry);
    spin_unlock_irqrestore(&timers_lock, flags);
}

int del_timer(struct timer_list* timer) {
    unsigned long flags = spin_lock_irqsave(&timers_lock);
    int pending = !list_empty(&timer->entry);
    list_del_init(&timer->entry);
    spin_unlock_irqrestore(&timers_lock, flags);
    if (pending) {
        trace_timer_cancel(timer);
    }
    return pending;
}

int del_timer_sync(struct timer_list* timer) {
    int pending = del_timer(timer);
    while (__atomic_load_n(&running_timer, __ATOMIC_ACQUIRE) == timer) {
        cpu_relax();
        pending |= del_timer(timer);  // it may have started itself anew
    }
    return pending | del_timer(timer);
}

static struct timer_list* take_expired_timer(void) {
    struct timer_list* timer = NULL;
    unsigned long flags = spin_lock_irqsave(&timers_lock);
    if (!list_empty(&timers)) {
        struct timer_list* first = list_first_entry(&timers, struct timer_list, entry);
        if (first->expires <= jiffies) {
            list_del_init(&first->entry);
            running_timer = timer = first;
        }
    }
    spin_unlock_irqrestore(&timers_lock, flags);
    return timer;
}

static void call_timer_fn(struct timer_list* timer) {
    trace_timer_expire_entry(timer, jiffies);
    timer->function(timer);
    trace_timer_expire_exit(timer);
}

void run_local_timers(void) {
    struct timer_list* timer;
    while ((timer = take_expired_timer()) != NULL) {
        call_timer_fn(timer);
        __atomic_store_n(&running_timer, NULL, __ATOMIC_RELEASE);
    }
}

struct process_timer {
    struct timer_list timer;
    struct task_struct* task;
};

static void process_timeout(struct timer_list* timer) {
    wake_up_process(container_of(timer, struct process_timer, timer)->task);
}

long schedule_timeout(long timeout) {
    if (timeout == MAX_SCHEDULE_TIMEOUT) {
        schedule();
        return timeout;
    }
    unsigned long expires = jiffies + (unsigned long)timeout;
    struct process_timer timer = {
        .timer = {LIST_HEAD_INIT(timer.timer.entry), expires, process_timeout},
        .task = current,
    };
    add_timer(&timer.timer);
    schedule();
    del_timer_sync(&timer.timer);
    long left = (long)(expires - jiffies);
    return left < 0 ? 0 : left;
}

void msleep(unsigned int msecs) {
    set_current_state(TASK_UNINTERRUPTIBLE);
    schedule_timeout((long)((u64)msecs * tick_hz / 1000 + 1));
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/list.h"

/// A function to be called, in interrupt context, once jiffies has reached `expires`.
struct timer_list {
    struct list_head entry;
    unsigned long expires;
    void (*function)(struct timer_list* timer);
};

void add_timer(struct timer_list* timer);
/// True when it had not run yet.
int del_timer(struct timer_list* timer);
/// The same, and its function does not run any more, on no CPU.
int del_timer_sync(struct timer_list* timer);
/// Called by the timer tick, on one CPU.
void run_local_timers(void);

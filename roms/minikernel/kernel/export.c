// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"
#include "kernel/completion.h"
#include "kernel/module.h"
#include "kernel/mutex.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/slab.h"

// What modules may use.

EXPORT_SYMBOL(_printk);
EXPORT_SYMBOL(panic);
EXPORT_SYMBOL(snprintf);
EXPORT_SYMBOL(vsnprintf);
EXPORT_SYMBOL(strlen);
EXPORT_SYMBOL(strcmp);
EXPORT_SYMBOL(strscpy);
EXPORT_SYMBOL(memcpy);
EXPORT_SYMBOL(memset);
EXPORT_SYMBOL(memcmp);
EXPORT_SYMBOL(memmove);
EXPORT_SYMBOL(__kmalloc);
EXPORT_SYMBOL(kmalloc);
EXPORT_SYMBOL(kfree);
EXPORT_SYMBOL(__get_free_pages);
EXPORT_SYMBOL(free_pages);
EXPORT_SYMBOL(copy_to_user);
EXPORT_SYMBOL(copy_from_user);
EXPORT_SYMBOL(schedule);
EXPORT_SYMBOL(schedule_timeout);
EXPORT_SYMBOL(msleep);
EXPORT_SYMBOL(wake_up_process);
EXPORT_SYMBOL(kernel_thread);
EXPORT_SYMBOL(preempt_schedule);
EXPORT_SYMBOL(spin_lock_slow);
EXPORT_SYMBOL(mutex_init);
EXPORT_SYMBOL(mutex_lock);
EXPORT_SYMBOL(mutex_unlock);
EXPORT_SYMBOL(init_waitqueue_head);
EXPORT_SYMBOL(prepare_to_wait);
EXPORT_SYMBOL(finish_wait);
EXPORT_SYMBOL(__wake_up);
EXPORT_SYMBOL(complete);
EXPORT_SYMBOL(wait_for_completion);
EXPORT_SYMBOL(add_timer);
EXPORT_SYMBOL(del_timer);
EXPORT_SYMBOL(del_timer_sync);
EXPORT_SYMBOL(jiffies);
EXPORT_SYMBOL(tick_hz);
EXPORT_SYMBOL(ktime_get_ns);
EXPORT_SYMBOL(init_task);
// Per-CPU variables: their values are offsets from GS base.
EXPORT_SYMBOL(current_task);
EXPORT_SYMBOL(__preempt_count);
EXPORT_SYMBOL(cpu_number);

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "mm/slab.h"

// A module that says when it comes and goes, and counts ticks in between. hello_ticks() is for
// other modules.

#define PERIOD 10  // ticks

static struct timer_list timer;
static unsigned long* count;

static void hello_tick(struct timer_list* unused) {
    (void)unused;
    ++*count;
    timer.expires = jiffies + PERIOD;
    add_timer(&timer);
}

unsigned long hello_ticks(void);
unsigned long hello_ticks(void) { return *count; }
EXPORT_SYMBOL(hello_ticks);

static int hello_init(void) {
    count = kmalloc(sizeof(*count), GFP_KERNEL | __GFP_ZERO);
    if (count == NULL) {
        return -12;  // ENOMEM
    }
    INIT_LIST_HEAD(&timer.entry);
    timer.function = hello_tick;
    timer.expires = jiffies + PERIOD;
    add_timer(&timer);
    printk("hello: loaded by %s[%d]\n", current->comm, current->pid);
    return 0;
}

static void hello_exit(void) {
    del_timer_sync(&timer);
    printk("hello: gone after %lu periods\n", *count);
    kfree(count);
}

module_init(hello_init) module_exit(hello_exit) MODULE("hello")

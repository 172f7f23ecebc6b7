// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module.h"
#include "kernel/printk.h"

// A module that needs another one, hello; and that cannot be removed without it.

unsigned long hello_ticks(void);

static int greeter_init(void) {
    unsigned long ticks = hello_ticks();
    printk("greeter: hello has counted %lu periods\n", ticks);
    return 0;
}

static void greeter_exit(void) { printk("greeter: gone\n"); }

module_init(greeter_init) module_exit(greeter_exit) MODULE("greeter")

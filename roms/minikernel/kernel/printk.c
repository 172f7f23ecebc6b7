// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/printk.h"

#include "arch/smp.h"
#include "drivers/serial.h"
#include "kernel/spinlock.h"
#include "kernel/time.h"
#include "lib/vsprintf.h"

static spinlock_t console_lock;
static int console_owner = -1;
static bool line_is_open;

// A trap inside of printk may want to print, too: this CPU must not wait for itself.
static bool console_take(unsigned long* flags) {
    int cpu = (int)smp_processor_id();
    *flags = local_irq_save();
    if (READ_ONCE(console_owner) == cpu) {
        return false;
    }
    spin_lock(&console_lock);
    console_owner = cpu;
    return true;
}

static void console_release(bool taken, unsigned long flags) {
    if (taken) {
        console_owner = -1;
        spin_unlock(&console_lock);
    }
    local_irq_restore(flags);
}

static void write_line_prefix(void) {
    char prefix[32];
    u64 us = ktime_get_ns() / 1000;
    int n = snprintf(prefix, sizeof(prefix), "[%5llu.%06llu] ", us / 1000000, us % 1000000);
    console_write(prefix, (size_t)n);
}

#define KERN_INFO 6  // of all messages but a panic's

int console_loglevel = 7;

void console_verbose(void) { console_loglevel = 15; }

int _printk(const char* fmt, ...) {
    char text[256];
    va_list args;
    if (console_loglevel <= KERN_INFO) {
        return 0;
    }
    va_start(args, fmt);
    int length = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    int stored = min(length, (int)sizeof(text) - 1);

    unsigned long flags;
    bool taken = console_take(&flags);
    for (int i = 0; i < stored;) {
        if (!line_is_open) {
            write_line_prefix();
        }
        int from = i;
        while (i < stored && text[i] != '\n') {
            i++;
        }
        line_is_open = i == stored;
        i += !line_is_open;
        console_write(text + from, (size_t)(i - from));
    }
    console_release(taken, flags);
    return length;
}

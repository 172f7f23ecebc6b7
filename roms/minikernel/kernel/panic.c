// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/panic.h"

#include "arch/processor.h"
#include "arch/reboot.h"
#include "arch/smp.h"
#include "arch/traps.h"
#include "kernel/printk.h"
#include "lib/vsprintf.h"

#define PANIC_STATUS 255

static void begin_panic(const char* text) {
    static int panic_cpu = -1;
    int nobody = -1, me = (int)smp_processor_id();
    local_irq_disable();
    if (!__atomic_compare_exchange_n(&panic_cpu, &nobody, me, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        if (panic_cpu == me) {
            debug_exit(PANIC_STATUS);  // the panic itself went wrong
        }
        stop_this_cpu();
    }
    smp_send_stop();
    console_verbose();
    printk("Kernel panic - not syncing: %s\n", text);
}

static void __noreturn end_panic(const char* text) {
    printk("---[ end Kernel panic - not syncing: %s ]---\n", text);
    debug_exit(PANIC_STATUS);
}

void panic(const char* fmt, ...) {
    char text[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    begin_panic(text);
    dump_stack();
    end_panic(text);
}

void panic_after_oops(const char* text) {
    begin_panic(text);
    end_panic(text);
}

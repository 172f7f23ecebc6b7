// SPDX-License-Identifier: GPL-2.0-only
#include "arch/reboot.h"

#include "arch/desc.h"
#include "arch/io.h"
#include "arch/processor.h"

#define DEBUG_EXIT_PORT 0xf4
#define KBC_COMMAND_PORT 0x64
#define KBC_PULSE_RESET 0xfe

void stop_this_cpu(void) {
    local_irq_disable();
    for (;;) {
        __asm__ volatile("hlt");
    }
}

void debug_exit(u32 status) {
    outl(status, DEBUG_EXIT_PORT);
    stop_this_cpu();
}

void machine_restart(void) {
    outb(KBC_PULSE_RESET, KBC_COMMAND_PORT);
    stop_this_cpu();
}

void triple_fault(void) {
    load_idt(0, 0);
    __asm__ volatile("int3");
    __builtin_unreachable();
}

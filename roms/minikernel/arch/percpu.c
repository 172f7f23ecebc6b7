// SPDX-License-Identifier: GPL-2.0-only
#include "arch/percpu.h"

#include "arch/processor.h"
#include "arch/sections.h"
#include "kernel/panic.h"
#include "lib/string.h"

DEFINE_PER_CPU(unsigned long, this_cpu_off);
DEFINE_PER_CPU(int, cpu_number);

static u8 boot_cpu_area[4096] __aligned(4096);

void setup_per_cpu_areas(void) {
    size_t bytes = (size_t)(__per_cpu_end - __per_cpu_start);
    memcpy(boot_cpu_area, __per_cpu_load, bytes);
    wrmsr(MSR_GS_BASE, (u64)boot_cpu_area);
    this_cpu_write(this_cpu_off, (unsigned long)boot_cpu_area);
    if (bytes > sizeof(boot_cpu_area)) {
        panic("setup_per_cpu_areas: %zu bytes do not fit", bytes);
    }
}

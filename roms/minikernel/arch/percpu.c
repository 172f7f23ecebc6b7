// SPDX-License-Identifier: GPL-2.0-only
#include "arch/percpu.h"

#include "arch/processor.h"
#include "arch/sections.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "lib/string.h"
#include "mm/page.h"

DEFINE_PER_CPU(unsigned long, this_cpu_off);
DEFINE_PER_CPU(unsigned int, cpu_number);

unsigned long __per_cpu_offset[NR_CPUS];

static u8 boot_cpu_area[PAGE_SIZE] __aligned(4096);

static void fill_area(void* area, unsigned int cpu) {
    memcpy(area, __per_cpu_load, (size_t)(__per_cpu_end - __per_cpu_start));
    __per_cpu_offset[cpu] = (unsigned long)area;
    *per_cpu_ptr(this_cpu_off, cpu) = (unsigned long)area;
    *per_cpu_ptr(cpu_number, cpu) = cpu;
}

void load_percpu_area(unsigned int cpu) { wrmsr(MSR_GS_BASE, __per_cpu_offset[cpu]); }

void setup_boot_cpu_area(void) {
    fill_area(boot_cpu_area, 0);
    load_percpu_area(0);
    if (__per_cpu_end - __per_cpu_start > (long)sizeof(boot_cpu_area)) {
        panic("setup_boot_cpu_area: the per-CPU variables do not fit");
    }
}

void setup_per_cpu_area(unsigned int cpu) {
    void* area = (void*)__get_free_pages(GFP_KERNEL, 0);
    if (area == NULL) {
        panic("setup_per_cpu_area: no memory for CPU %u", cpu);
    }
    fill_area(area, cpu);
}

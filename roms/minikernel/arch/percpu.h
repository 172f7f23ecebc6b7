// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// Per-CPU variables are linked from address 0 on (kernel.lds); GS base points at a CPU's own copy.
// So a variable's symbol value is its offset from GS base, as in Linux.

#define PER_CPU __attribute__((section(".data..percpu")))
#define DEFINE_PER_CPU(type, name) PER_CPU __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern PER_CPU __typeof__(type) name

/// One instruction each, so an interrupt cannot come between the address and the access.
#define this_cpu_read(name) (*(volatile __seg_gs __typeof__(name)*)(uintptr_t)&(name))
#define this_cpu_write(name, value) \
    (*(volatile __seg_gs __typeof__(name)*)(uintptr_t)&(name) = (value))
#define this_cpu_add(name, n) __asm__ volatile("addl %1, %%gs:%0" : "+m"(name) : "er"(n) : "cc")

/// The address of this CPU's copy.
#define this_cpu_ptr(name) ((__typeof__(name)*)((uintptr_t)&(name) + this_cpu_read(this_cpu_off)))

DECLARE_PER_CPU(unsigned long, this_cpu_off);
DECLARE_PER_CPU(int, cpu_number);

/// Makes the first CPU's copy. Before it there is no `current`.
void setup_per_cpu_areas(void);

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

/// The address of another CPU's copy.
#define per_cpu_ptr(name, cpu) ((__typeof__(name)*)((uintptr_t)&(name) + __per_cpu_offset[cpu]))

DECLARE_PER_CPU(unsigned long, this_cpu_off);
DECLARE_PER_CPU(unsigned int, cpu_number);
extern unsigned long __per_cpu_offset[];

/// Makes the first CPU's copy. Before it there is no `current`.
void setup_boot_cpu_area(void);
/// Makes another CPU's copy.
void setup_per_cpu_area(unsigned int cpu);
/// From now on, the copy of this CPU is that of `cpu`.
void load_percpu_area(unsigned int cpu);

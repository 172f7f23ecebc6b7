// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/percpu.h"

#define NR_CPUS 4

#define smp_processor_id() this_cpu_read(cpu_number)

/// CPUs that run; CPU numbers are 0 to num_online_cpus() - 1.
extern unsigned int nr_online_cpus;
static inline unsigned int num_online_cpus(void) { return READ_ONCE(nr_online_cpus); }

#define for_each_online_cpu(cpu) for (unsigned int cpu = 0; cpu < num_online_cpus(); cpu++)
#define cpumask_of(cpu) (1UL << (cpu))
#define cpu_online_mask ((1UL << num_online_cpus()) - 1)

/// Finds the CPUs in the firmware's table; while the low GiB is still mapped.
void find_smp_config(void);
/// Starts all others (arch/smpboot.c).
void smp_init(void);

// arch/smp.c: what one CPU wants of another.
/// `cpu` looks at need_resched, and at its task's signals, soon.
void smp_send_reschedule(unsigned int cpu);
/// The timer tick, passed on.
void tick_broadcast(unsigned long cpus);
/// Runs `func(info)` on each of these CPUs but this one, and waits. Interrupts must be on, and no
/// lock may be held that is ever taken with interrupts off.
void smp_call_function_many(unsigned long cpus, void (*func)(void* info), void* info);
/// All others stop for ever, whatever they do.
void smp_send_stop(void);
/// The one that asked for it; -1.
extern int stopping_cpu;

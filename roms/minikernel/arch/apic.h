// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// Vectors of interrupts that CPUs send each other; Linux's.
#define LOCAL_TIMER_VECTOR 0xec
#define CALL_FUNCTION_VECTOR 0xfb
#define RESCHEDULE_VECTOR 0xfd
#define SPURIOUS_APIC_VECTOR 0xff

/// Where the local APIC's registers are in physical memory; 0: this machine has one CPU.
extern phys_addr_t mp_lapic_addr;
/// The CPUs that the firmware knows: local APIC ids, the boot CPU's first.
extern u8 cpu_to_apicid[];
extern unsigned int nr_possible_cpus;

/// Maps the registers.
void init_apic_mappings(void);
/// Switches this CPU's local APIC on.
void setup_local_APIC(void);
void apic_eoi(void);
void apic_send_IPI(unsigned int cpu, u8 vector);
void apic_send_NMI_allbutself(void);
/// Resets a CPU and lets it start in real mode at `start`, a page below 1 MiB.
void apic_start_cpu(unsigned int cpu, phys_addr_t start);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mm/mm_types.h"

// A CPU remembers translations. Who takes rights or pages away from an address space has to make
// the CPUs that have it loaded forget them, before a page gets another use. Giving rights needs
// nothing: at worst a CPU faults once more.

/// Loads the address space of `next`, NULL for none. Preemption is off.
void switch_mm(struct mm_struct* next);

/// [start, end) of `mm` is forgotten everywhere. Interrupts must be on.
void flush_tlb_range(struct mm_struct* mm, unsigned long start, unsigned long end);
void flush_tlb_mm(struct mm_struct* mm);
/// The same for addresses of the kernel.
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

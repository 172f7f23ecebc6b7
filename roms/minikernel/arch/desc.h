// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// Selectors, in Linux's order: SYSRET needs user data between the two user code segments.
#define __KERNEL_CS 0x10
#define __KERNEL_DS 0x18
#define __USER_DS 0x2b
#define __USER_CS 0x33
#define GDT_TSS 0x40

// Traps that must not trust the stack they find get one of their own.
enum { IST_INDEX_DF = 1, IST_INDEX_NMI, IST_INDEX_DB, IST_INDEX_MCE, N_EXCEPTION_STACKS = 4 };

/// Loads this CPU's GDT and TSS.
void cpu_init(void);
/// The stack that a trap from user mode starts on.
void load_sp0(unsigned long sp0);

/// Fills and loads the IDT, which all CPUs share.
void idt_setup_traps(void);
void load_current_idt(void);
void load_idt(u64 base, u16 limit);

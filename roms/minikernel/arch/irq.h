// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"

#define FIRST_EXTERNAL_VECTOR 0x20
#define NR_IRQS 16
#define IRQ_ENTRY_BYTES 16

extern char irq_entries_start[];

typedef void (*irq_handler_t)(int irq, void* dev);

/// Routes an interrupt line to `handler` and opens it.
void request_irq(int irq, irq_handler_t handler, void* dev);
void init_IRQ(void);

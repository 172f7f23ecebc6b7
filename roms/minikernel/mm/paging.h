// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mm/page.h"

#define _PAGE_PRESENT (1UL << 0)
#define _PAGE_RW (1UL << 1)
#define _PAGE_USER (1UL << 2)
#define _PAGE_PCD (1UL << 4)
#define _PAGE_PSE (1UL << 7)
#define _PAGE_GLOBAL (1UL << 8)
#define _PAGE_PROTNONE _PAGE_GLOBAL  // there, but for nobody: _PAGE_PRESENT is clear
#define _PAGE_NX (1UL << 63)
#define PTE_PFN_MASK 0x000ffffffffff000UL

// Nothing is ever writable and executable.
#define PAGE_KERNEL (_PAGE_PRESENT | _PAGE_RW | _PAGE_GLOBAL | _PAGE_NX)
#define PAGE_KERNEL_RO (_PAGE_PRESENT | _PAGE_GLOBAL | _PAGE_NX)
#define PAGE_KERNEL_ROX (_PAGE_PRESENT | _PAGE_GLOBAL)
#define PAGE_KERNEL_NOCACHE (PAGE_KERNEL | _PAGE_PCD)

typedef unsigned long pte_t;

extern pte_t init_top_pgt[512];

/// The entry for a 4 KiB page at `va`; tables on the way are made. NULL when there is no memory.
pte_t* pte_alloc_kernel(unsigned long va);
/// May the page be written by its address in the direct map? 0, or -ENOMEM.
int set_direct_map_writable(void* address, bool writable);
/// Replaces the boot's page tables by the final ones and switches all protections on.
void paging_init(void);
/// Switches them on for this CPU.
void cpu_protections_on(void);

// SPDX-License-Identifier: GPL-2.0-only
#include "mm/stack.h"

#include "arch/processor.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "mm/paging.h"

// Slots of equal size from VMALLOC_START on: the lower half is the guard, the upper half the stack.
// A task that uses up its stack gets a page fault instead of its neighbour's memory, and as that
// cannot be pushed, a double fault.

#define SLOT_SIZE (2 * THREAD_SIZE)
#define NR_SLOTS 256
#define STACK_PAGES (THREAD_SIZE / PAGE_SIZE)

static spinlock_t slots_lock;
static struct {
    bool used;
    // CPUs that have touched the stack, and those that still know pages which are no longer there.
    // The latter forget them when they get to use the slot again: nobody has to be interrupted.
    unsigned long cpus, stale;
} slots[NR_SLOTS];

static unsigned long slot_of(unsigned long address) {
    return (address - VMALLOC_START) / SLOT_SIZE;
}

static unsigned long slot_stack(unsigned int slot) {
    return VMALLOC_START + slot * SLOT_SIZE + THREAD_SIZE;
}

bool in_stack_guard(unsigned long address) {
    unsigned long offset = address - VMALLOC_START;
    return offset < NR_SLOTS * SLOT_SIZE && offset % SLOT_SIZE < THREAD_SIZE;
}

void thread_stack_init(void) {
    // All page tables now: later nothing but the pages themselves comes and goes.
    for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
        if (pte_alloc_kernel(slot_stack(slot)) == NULL) {
            panic("thread_stack_init: no memory");
        }
    }
}

static int take_slot(void) {
    int found = -1;
    spin_lock(&slots_lock);
    for (int slot = 0; slot < NR_SLOTS && found < 0; slot++) {
        if (!slots[slot].used) {
            slots[slot].used = true;
            found = slot;
        }
    }
    spin_unlock(&slots_lock);
    return found;
}

void* alloc_thread_stack(void) {
    int slot = take_slot();
    if (slot < 0) {
        return NULL;
    }
    unsigned long stack = slot_stack((unsigned int)slot);
    for (unsigned int i = 0; i < STACK_PAGES; i++) {
        struct page* page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 0);
        if (page == NULL) {
            free_thread_stack((void*)stack);
            return NULL;
        }
        *pte_alloc_kernel(stack + i * PAGE_SIZE) = ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT) |
                                                   PAGE_KERNEL;
    }
    return (void*)stack;
}

static void flush_stack(unsigned long stack) {
    for (unsigned long va = stack; va < stack + THREAD_SIZE; va += PAGE_SIZE) {
        invlpg(va);
    }
}

void enter_thread_stack(void* stack) {
    unsigned long slot = slot_of((unsigned long)stack);
    if (slot >= NR_SLOTS) {
        return;  // the boot CPU's first one, in the image
    }
    unsigned long me = cpumask_of(smp_processor_id());
    if (slots[slot].stale & me) {
        slots[slot].stale &= ~me;
        flush_stack((unsigned long)stack);
    }
    slots[slot].cpus |= me;
}

void free_thread_stack(void* stack) {
    unsigned long start = (unsigned long)stack, slot = slot_of(start);
    preempt_disable();
    for (unsigned long va = start; va < start + THREAD_SIZE; va += PAGE_SIZE) {
        pte_t* entry = pte_alloc_kernel(va);
        if (*entry & _PAGE_PRESENT) {
            __free_pages(pfn_to_page((*entry & PTE_PFN_MASK) >> PAGE_SHIFT), 0);
            *entry = 0;
        }
    }
    flush_stack(start);
    slots[slot].stale |= slots[slot].cpus;
    slots[slot].stale &= ~cpumask_of(smp_processor_id());
    slots[slot].cpus = 0;
    preempt_enable();
    __atomic_store_n(&slots[slot].used, false, __ATOMIC_RELEASE);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "mm/stack.h"

#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "mm/paging.h"
#include "mm/tlb.h"

// Slots of equal size from VMALLOC_START on: the lower half is the guard, the upper half the stack.
// A task that uses up its stack gets a page fault instead of its neighbour's memory, and as that
// cannot be pushed, a double fault.

#define SLOT_SIZE (2 * THREAD_SIZE)
#define NR_SLOTS 256
#define STACK_PAGES (THREAD_SIZE / PAGE_SIZE)

static spinlock_t slots_lock;
static bool slot_used[NR_SLOTS];

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
        if (!slot_used[slot]) {
            slot_used[slot] = true;
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

// Any CPU may know the stack's pages, also one that never ran on it: whoever waits has an entry
// there that others follow, and a new task's registers are put there by its parent.
void free_thread_stack(void* stack) {
    unsigned long start = (unsigned long)stack;
    struct page* pages[STACK_PAGES];
    for (unsigned int i = 0; i < STACK_PAGES; i++) {
        pte_t* entry = pte_alloc_kernel(start + i * PAGE_SIZE);
        pages[i] = *entry & _PAGE_PRESENT ? pfn_to_page((*entry & PTE_PFN_MASK) >> PAGE_SHIFT)
                                          : NULL;
        *entry = 0;
    }
    flush_tlb_kernel_range(start, start + THREAD_SIZE);
    for (unsigned int i = 0; i < STACK_PAGES; i++) {
        if (pages[i] != NULL) {
            __free_pages(pages[i], 0);
        }
    }
    unsigned long slot = (start - VMALLOC_START) / SLOT_SIZE;
    __atomic_store_n(&slot_used[slot], false, __ATOMIC_RELEASE);
}

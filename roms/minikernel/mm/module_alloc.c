// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module.h"
#include "lib/errno.h"
#include "mm/paging.h"
#include "mm/tlb.h"

// Memory for modules, within 2 GiB of the kernel's text, so that calls reach. One bit for each
// page; a page that nobody has lies behind each module. module_mutex is held.

#define MODULES_PAGES 4096UL

static bool page_used[MODULES_PAGES];

static unsigned long address_of(unsigned long page) { return MODULES_VADDR + page * PAGE_SIZE; }

static bool is_free(unsigned long first, unsigned long pages) {
    for (unsigned long i = first; i < first + pages; i++) {
        if (page_used[i]) {
            return false;
        }
    }
    return true;
}

static int map_page(unsigned long va) {
    pte_t* entry = pte_alloc_kernel(va);
    struct page* page = entry != NULL ? alloc_pages(GFP_KERNEL | __GFP_ZERO, 0) : NULL;
    if (page == NULL) {
        return -ENOMEM;
    }
    *entry = (pte_t)page_to_pfn(page) << PAGE_SHIFT | PAGE_KERNEL;
    return 0;
}

unsigned long module_alloc(size_t size) {
    unsigned long pages = (size + PAGE_SIZE - 1) / PAGE_SIZE, first = 0;
    if (pages == 0 || pages >= MODULES_PAGES) {
        return 0;
    }
    while (!is_free(first, pages + 1)) {
        if (++first + pages + 1 > MODULES_PAGES) {
            return 0;
        }
    }
    for (unsigned long i = first; i < first + pages; i++) {
        if (map_page(address_of(i)) != 0) {
            module_memfree(address_of(first), (i - first) * PAGE_SIZE);
            return 0;
        }
        page_used[i] = true;
    }
    return address_of(first);
}

static struct page* page_at(unsigned long va) {
    return pfn_to_page((*pte_alloc_kernel(va) & PTE_PFN_MASK) >> PAGE_SHIFT);
}

void module_memfree(unsigned long base, size_t size) {
    struct page* pages[16];
    while (size > 0) {
        size_t part = min(size, sizeof(pages) / sizeof(pages[0]) * PAGE_SIZE);
        for (size_t at = 0; at < part; at += PAGE_SIZE) {
            pages[at / PAGE_SIZE] = page_at(base + at);
            set_direct_map_writable(page_address(pages[at / PAGE_SIZE]), true);
            *pte_alloc_kernel(base + at) = 0;
            page_used[(base + at - MODULES_VADDR) / PAGE_SIZE] = false;
        }
        flush_tlb_kernel_range(base, base + part);
        for (size_t at = 0; at < part; at += PAGE_SIZE) {
            __free_pages(pages[at / PAGE_SIZE], 0);
        }
        base += part;
        size -= part;
    }
}

int module_enable_protection(const struct module_layout* layout) {
    for (size_t at = 0; at < layout->ro_size; at += PAGE_SIZE) {
        unsigned long va = layout->base + at;
        // Its other address must not be a way around the protection.
        if (set_direct_map_writable(page_address(page_at(va)), false) != 0) {
            return -ENOMEM;
        }
        pte_t* entry = pte_alloc_kernel(va);
        *entry = (*entry & PTE_PFN_MASK) |
                 (at < layout->text_size ? PAGE_KERNEL_ROX : PAGE_KERNEL_RO);
    }
    flush_tlb_kernel_range(layout->base, layout->base + layout->size);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/memory_map.h"
#include "lib/list.h"

#define GFP_KERNEL 0x0u
#define GFP_USER 0x1u  // for a program: the last pages are the kernel's
#define GFP_FILE 0x2u  // for a file in memory: programs need some, too
#define __GFP_ZERO 0x100u

// page->flags
#define PG_buddy (1UL << 0)  // the first page of a free block
#define PG_slab (1UL << 1)   // cut into objects by mm/slab.c

struct kmem_cache;

/// One for each page frame of RAM.
struct page {
    unsigned long flags;
    u32 _refcount;
    u16 order;  // of the block that starts here, free or allocated
    u16 inuse;  // objects taken out of a slab
    struct list_head lru;
    struct kmem_cache* slab_cache;
    void* freelist;
};

extern struct page* mem_map;
extern unsigned long max_pfn;

static inline void* __va(phys_addr_t pa) { return (void*)(pa + PAGE_OFFSET); }

/// Of an address in the direct map or in the kernel image.
static inline phys_addr_t __pa(const void* va) {
    unsigned long a = (unsigned long)va;
    return a >= KERNEL_MAP ? a - KERNEL_MAP : a - PAGE_OFFSET;
}

static inline struct page* pfn_to_page(unsigned long pfn) { return mem_map + pfn; }

static inline unsigned long page_to_pfn(const struct page* page) {
    return (unsigned long)(page - mem_map);
}

static inline void* page_address(const struct page* page) {
    return __va((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT);
}

static inline struct page* virt_to_page(const void* va) {
    return pfn_to_page(__pa(va) >> PAGE_SHIFT);
}

#define MAX_ORDER 11  // the largest block is 2^10 pages: 4 MiB

/// 2^order pages in a row, or NULL.
struct page* alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page* page, unsigned int order);
/// The same by address in the direct map; 0 when there is no memory.
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);

static inline void get_page(struct page* page) {
    __atomic_add_fetch(&page->_refcount, 1, __ATOMIC_RELAXED);
}

/// Gives back one of several holds of a single page.
void put_page(struct page* page);

unsigned long nr_free_pages(void);
/// Hands [start, end) to the allocator.
void free_page_range(phys_addr_t start, phys_addr_t end);
/// Makes mem_map and gives the allocator all RAM that nobody uses.
void mem_init(void);

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "kernel/trace/events.h"
#include "lib/string.h"
#include "mm/page.h"

// A buddy allocator: free blocks of 2^order pages, each aligned to its size, one list for each
// order. A block's buddy is the one that it was split from, and would merge with: the same address
// with one bit flipped.

struct page* mem_map;
unsigned long max_pfn;

static struct {
    spinlock_t lock;
    struct list_head list[MAX_ORDER];
    unsigned long nr_free;
} free_area = {
    .list =
        {
            LIST_HEAD_INIT(free_area.list[0]),
            LIST_HEAD_INIT(free_area.list[1]),
            LIST_HEAD_INIT(free_area.list[2]),
            LIST_HEAD_INIT(free_area.list[3]),
            LIST_HEAD_INIT(free_area.list[4]),
            LIST_HEAD_INIT(free_area.list[5]),
            LIST_HEAD_INIT(free_area.list[6]),
            LIST_HEAD_INIT(free_area.list[7]),
            LIST_HEAD_INIT(free_area.list[8]),
            LIST_HEAD_INIT(free_area.list[9]),
            LIST_HEAD_INIT(free_area.list[10]),
        },
};

static void add_to_free_list(struct page* page, unsigned int order) {
    page->flags = PG_buddy;
    page->order = (u16)order;
    list_add(&page->lru, &free_area.list[order]);
}

static void del_from_free_list(struct page* page) {
    page->flags = 0;
    list_del_init(&page->lru);
}

static void free_one_block(unsigned long pfn, unsigned int order) {
    free_area.nr_free += 1UL << order;
    for (; order + 1 < MAX_ORDER; order++) {
        unsigned long buddy_pfn = pfn ^ (1UL << order);
        struct page* buddy = pfn_to_page(buddy_pfn);
        if (buddy_pfn >= max_pfn || !(buddy->flags & PG_buddy) || buddy->order != order) {
            break;
        }
        del_from_free_list(buddy);
        pfn &= buddy_pfn;
    }
    add_to_free_list(pfn_to_page(pfn), order);
}

static struct page* take_block(unsigned int order) {
    unsigned int from = order;
    while (from < MAX_ORDER && list_empty(&free_area.list[from])) {
        from++;
    }
    if (from == MAX_ORDER) {
        return NULL;
    }
    struct page* page = list_first_entry(&free_area.list[from], struct page, lru);
    del_from_free_list(page);
    while (from > order) {
        from--;
        add_to_free_list(page + (1UL << from), from);
    }
    free_area.nr_free -= 1UL << order;
    return page;
}

// How many pages must be left for those who are more important.
static unsigned long watermark(gfp_t gfp) {
    return gfp & GFP_FILE ? max_pfn / 16 : gfp & GFP_USER ? max_pfn / 128 : 0;
}

struct page* alloc_pages(gfp_t gfp, unsigned int order) {
    if (order >= MAX_ORDER) {
        return NULL;
    }
    unsigned long flags = spin_lock_irqsave(&free_area.lock);
    struct page* page = free_area.nr_free < watermark(gfp) + (1UL << order) ? NULL
                                                                            : take_block(order);
    spin_unlock_irqrestore(&free_area.lock, flags);
    trace_mm_page_alloc(page, order, gfp, 0);
    if (page == NULL) {
        return NULL;
    }
    page->_refcount = 1;
    page->order = (u16)order;
    if (gfp & __GFP_ZERO) {
        memset(page_address(page), 0, PAGE_SIZE << order);
    }
    return page;
}

void __free_pages(struct page* page, unsigned int order) {
    if (page->_refcount != 1 || page->order != order) {
        panic("__free_pages: page %lx order %u is not allocated so", page_to_pfn(page), order);
    }
    trace_mm_page_free(page, order);
    page->_refcount = 0;
    unsigned long flags = spin_lock_irqsave(&free_area.lock);
    free_one_block(page_to_pfn(page), order);
    spin_unlock_irqrestore(&free_area.lock, flags);
}

void put_page(struct page* page) {
    if (__atomic_sub_fetch(&page->_refcount, 1, __ATOMIC_ACQ_REL) == 0) {
        page->_refcount = 1;
        __free_pages(page, 0);
    }
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order) {
    struct page* page = alloc_pages(gfp, order);
    return page == NULL ? 0 : (unsigned long)page_address(page);
}

void free_pages(unsigned long addr, unsigned int order) {
    if (addr != 0) {
        __free_pages(virt_to_page((void*)addr), order);
    }
}

unsigned long nr_free_pages(void) { return READ_ONCE(free_area.nr_free); }

void free_page_range(phys_addr_t start, phys_addr_t end) {
    unsigned long pfn = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
    unsigned long end_pfn = end >> PAGE_SHIFT;
    while (pfn < end_pfn) {
        unsigned int order = MAX_ORDER - 1;
        while ((pfn & ((1UL << order) - 1)) != 0 || pfn + (1UL << order) > end_pfn) {
            order--;
        }
        free_one_block(pfn, order);
        pfn += 1UL << order;
    }
}

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"
#include "mm/page.h"

// clang-format off

#define KMALLOC_FIELDS(F, A, S, E) \
    F(E, unsigned long, call_site) F(E, const void *, ptr) F(E, size_t, bytes_req) \
    F(E, size_t, bytes_alloc) F(E, unsigned long, gfp_flags) F(E, int, node)
TRACE_EVENT("kmem", kmalloc,
            TP_PROTO(unsigned long call_site, const void* ptr, size_t bytes_req,
                     size_t bytes_alloc, gfp_t gfp_flags, int node),
            TP_ARGS(call_site, ptr, bytes_req, bytes_alloc, gfp_flags, node), KMALLOC_FIELDS,
            "\"call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=0x%lx node=%d\", "
            "(void *)REC->call_site, REC->ptr, REC->bytes_req, REC->bytes_alloc, REC->gfp_flags, "
            "REC->node") {
    entry->call_site = call_site;
    entry->ptr = ptr;
    entry->bytes_req = bytes_req;
    entry->bytes_alloc = bytes_alloc;
    entry->gfp_flags = gfp_flags;
    entry->node = node;
}

#define KFREE_FIELDS(F, A, S, E) F(E, unsigned long, call_site) F(E, const void *, ptr)
TRACE_EVENT("kmem", kfree, TP_PROTO(unsigned long call_site, const void* ptr),
            TP_ARGS(call_site, ptr), KFREE_FIELDS,
            "\"call_site=%pS ptr=%p\", (void *)REC->call_site, REC->ptr") {
    entry->call_site = call_site;
    entry->ptr = ptr;
}

#define PAGE_ALLOC_FIELDS(F, A, S, E) \
    F(E, unsigned long, pfn) F(E, unsigned int, order) F(E, unsigned long, gfp_flags) \
    F(E, int, migratetype)
TRACE_EVENT("kmem", mm_page_alloc,
            TP_PROTO(struct page* page, unsigned int order, gfp_t gfp_flags, int migratetype),
            TP_ARGS(page, order, gfp_flags, migratetype), PAGE_ALLOC_FIELDS,
            "\"pfn=0x%lx order=%d migratetype=%d gfp_flags=0x%lx\", REC->pfn, REC->order, "
            "REC->migratetype, REC->gfp_flags") {
    entry->pfn = page != NULL ? page_to_pfn(page) : ~0UL;
    entry->order = order;
    entry->gfp_flags = gfp_flags;
    entry->migratetype = migratetype;
}

#define PAGE_FREE_FIELDS(F, A, S, E) F(E, unsigned long, pfn) F(E, unsigned int, order)
TRACE_EVENT("kmem", mm_page_free, TP_PROTO(struct page* page, unsigned int order),
            TP_ARGS(page, order), PAGE_FREE_FIELDS,
            "\"pfn=0x%lx order=%d\", REC->pfn, REC->order") {
    entry->pfn = page_to_pfn(page);
    entry->order = order;
}

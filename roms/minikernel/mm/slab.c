// SPDX-License-Identifier: GPL-2.0-only
#include "mm/slab.h"

#include "kernel/panic.h"
#include "kernel/trace/events.h"
#include "lib/string.h"

// A slab is one page; its free objects form a list through their first words. A slab without a used
// object goes back to the page allocator at once, so memory that nobody uses is always free pages.

static struct kmem_cache cache_of_caches;
static struct kmem_cache* kmalloc_caches[8];  // 16, 32, ... 2048 bytes
static const char* const kmalloc_names[8] = {
    "kmalloc-16",  "kmalloc-32",  "kmalloc-64",   "kmalloc-128",
    "kmalloc-256", "kmalloc-512", "kmalloc-1024", "kmalloc-2048",
};
#define KMALLOC_MIN_SHIFT 4
#define KMALLOC_MAX_CACHE_SIZE 2048

static void setup_cache(struct kmem_cache* s, const char* name, unsigned int size) {
    s->name = name;
    s->object_size = (size + 7) & ~7u;
    s->objects = (unsigned int)PAGE_SIZE / s->object_size;
    INIT_LIST_HEAD(&s->partial);
}

static struct page* new_slab(struct kmem_cache* s) {
    struct page* page = alloc_pages(GFP_KERNEL, 0);
    if (page == NULL) {
        return NULL;
    }
    char* base = page_address(page);
    page->flags = PG_slab;
    page->slab_cache = s;
    page->inuse = 0;
    page->freelist = NULL;
    for (unsigned int i = s->objects; i-- > 0;) {
        void** object = (void**)(base + i * s->object_size);
        *object = page->freelist;
        page->freelist = object;
    }
    list_add(&page->lru, &s->partial);
    s->nr_slabs++;
    return page;
}

static void discard_slab(struct kmem_cache* s, struct page* page) {
    list_del_init(&page->lru);
    page->flags = 0;
    page->slab_cache = NULL;
    s->nr_slabs--;
    __free_pages(page, 0);
}

void* kmem_cache_alloc(struct kmem_cache* s, gfp_t flags) {
    unsigned long irq_flags = spin_lock_irqsave(&s->lock);
    struct page* page = list_empty(&s->partial) ? new_slab(s)
                                                : list_first_entry(&s->partial, struct page, lru);
    void** object = NULL;
    if (page != NULL) {
        object = page->freelist;
        page->freelist = *object;
        page->inuse++;
        s->nr_objects++;
        if (page->freelist == NULL) {
            list_del_init(&page->lru);
        }
    }
    spin_unlock_irqrestore(&s->lock, irq_flags);
    if (object != NULL && (flags & __GFP_ZERO)) {
        memset(object, 0, s->object_size);
    }
    return object;
}

void kmem_cache_free(struct kmem_cache* s, void* object) {
    struct page* page = virt_to_page(object);
    if (!(page->flags & PG_slab) || page->slab_cache != s) {
        panic("kmem_cache_free: %p is not of cache %s", object, s->name);
    }
    unsigned long irq_flags = spin_lock_irqsave(&s->lock);
    if (page->freelist == NULL) {
        list_add(&page->lru, &s->partial);
    }
    *(void**)object = page->freelist;
    page->freelist = object;
    page->inuse--;
    s->nr_objects--;
    if (page->inuse == 0) {
        discard_slab(s, page);
    }
    spin_unlock_irqrestore(&s->lock, irq_flags);
}

struct kmem_cache* kmem_cache_create(const char* name, unsigned int size) {
    if (size > PAGE_SIZE / 2) {
        panic("kmem_cache_create: %s: objects of %u bytes are too large", name, size);
    }
    struct kmem_cache* s = kmem_cache_alloc(&cache_of_caches, GFP_KERNEL | __GFP_ZERO);
    if (s == NULL) {
        panic("kmem_cache_create: no memory for %s", name);
    }
    setup_cache(s, name, size);
    return s;
}

// What an allocation of `size` bytes takes.
static size_t kmalloc_size(size_t size) {
    size_t bytes = size > KMALLOC_MAX_CACHE_SIZE ? PAGE_SIZE : 1UL << KMALLOC_MIN_SHIFT;
    while (bytes < size) {
        bytes *= 2;
    }
    return bytes;
}

static void* do_kmalloc(size_t size, gfp_t flags) {
    if (size > PAGE_SIZE << (MAX_ORDER - 1)) {
        return NULL;
    }
    unsigned int shift = (unsigned int)__builtin_ctzl(kmalloc_size(size));
    if (size > KMALLOC_MAX_CACHE_SIZE) {
        return (void*)__get_free_pages(flags, shift - PAGE_SHIFT);
    }
    return kmem_cache_alloc(kmalloc_caches[shift - KMALLOC_MIN_SHIFT], flags);
}

void* __kmalloc(size_t size, gfp_t flags) {
    void* object = do_kmalloc(size, flags);
    if (trace_kmalloc_enabled()) {
        trace_kmalloc((unsigned long)__builtin_return_address(0), object, size,
                      object != NULL ? kmalloc_size(size) : 0, flags, -1);
    }
    return object;
}

void* kmalloc(size_t size, gfp_t flags) __attribute__((alias("__kmalloc")));

void kfree(const void* object) {
    trace_kfree((unsigned long)__builtin_return_address(0), object);
    if (object == NULL) {
        return;
    }
    struct page* page = virt_to_page(object);
    if (page->flags & PG_slab) {
        kmem_cache_free(page->slab_cache, (void*)object);
    } else {
        __free_pages(page, page->order);
    }
}

void kmem_cache_init(void) {
    setup_cache(&cache_of_caches, "kmem_cache", sizeof(struct kmem_cache));
    for (unsigned int i = 0; i < ARRAY_SIZE(kmalloc_caches); i++) {
        kmalloc_caches[i] = kmem_cache_create(kmalloc_names[i], 16u << i);
    }
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/spinlock.h"
#include "mm/page.h"

/// Equal-sized objects, cut from single pages.
struct kmem_cache {
    spinlock_t lock;
    const char* name;
    unsigned int object_size;
    unsigned int objects;      // in one slab
    struct list_head partial;  // slabs with a free object
    unsigned long nr_slabs;
    unsigned long nr_objects;  // in use
};

/// `size` at most PAGE_SIZE / 2. Panics when there is no memory.
struct kmem_cache* kmem_cache_create(const char* name, unsigned int size);
/// NULL when there is no memory.
void* kmem_cache_alloc(struct kmem_cache* s, gfp_t flags);
void kmem_cache_free(struct kmem_cache* s, void* object);

/// Any size up to 4 MiB, aligned to at least 8 bytes; NULL when there is no memory.
void* __kmalloc(size_t size, gfp_t flags);
/// Another name of __kmalloc, which is what Linux calls the function behind kmalloc().
void* kmalloc(size_t size, gfp_t flags);
/// NULL is allowed.
void kfree(const void* object);

void kmem_cache_init(void);

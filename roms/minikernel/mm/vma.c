// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/mm_types.h"
#include "mm/slab.h"

// The areas of an address space: a list by address without overlaps.

#define MAX_MAP_COUNT 65530
#define STACK_LIMIT (8UL << 20)
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

struct vm_area_struct* find_vma(struct mm_struct* mm, unsigned long addr) {
    struct vm_area_struct* vma;
    list_for_each_entry(vma, &mm->mmap, vm_link) {
        if (addr < vma->vm_end) {
            return vma;
        }
    }
    return NULL;
}

struct vm_area_struct* find_vma_intersection(struct mm_struct* mm, unsigned long start,
                                             unsigned long end) {
    struct vm_area_struct* vma = find_vma(mm, start);
    return vma != NULL && vma->vm_start < end ? vma : NULL;
}

struct vm_area_struct* vm_area_alloc(struct mm_struct* mm) {
    if (mm->map_count >= MAX_MAP_COUNT) {
        return NULL;
    }
    struct vm_area_struct* vma = kmalloc(sizeof(*vma), GFP_KERNEL | __GFP_ZERO);
    if (vma != NULL) {
        vma->vm_mm = mm;
        INIT_LIST_HEAD(&vma->vm_link);
    }
    return vma;
}

struct vm_area_struct* vm_area_dup(const struct vm_area_struct* vma) {
    struct vm_area_struct* copy = vm_area_alloc(vma->vm_mm);
    if (copy != NULL) {
        *copy = *vma;
        INIT_LIST_HEAD(&copy->vm_link);
        if (copy->vm_file != NULL) {
            get_file(copy->vm_file);
        }
    }
    return copy;
}

void vm_area_free(struct vm_area_struct* vma) {
    if (!list_empty(&vma->vm_link)) {
        list_del_init(&vma->vm_link);
        vma->vm_mm->map_count--;
        vma->vm_mm->total_vm -= (vma->vm_end - vma->vm_start) / PAGE_SIZE;
    }
    if (vma->vm_file != NULL) {
        fput(vma->vm_file);
    }
    kfree(vma);
}

void insert_vm_struct(struct mm_struct* mm, struct vm_area_struct* vma) {
    struct vm_area_struct* next = find_vma(mm, vma->vm_start);
    list_add_tail(&vma->vm_link, next != NULL ? &next->vm_link : &mm->mmap);
    mm->map_count++;
    mm->total_vm += (vma->vm_end - vma->vm_start) / PAGE_SIZE;
}

int split_vma(struct vm_area_struct* vma, unsigned long addr) {
    struct vm_area_struct* second = vm_area_dup(vma);
    if (second == NULL) {
        return -ENOMEM;
    }
    second->vm_start = addr;
    second->vm_pgoff += (addr - vma->vm_start) / PAGE_SIZE;
    vma->vm_end = addr;
    list_add(&second->vm_link, &vma->vm_link);
    vma->vm_mm->map_count++;
    return 0;
}

static bool can_merge(const struct vm_area_struct* a, const struct vm_area_struct* b) {
    return a->vm_end == b->vm_start && a->vm_flags == b->vm_flags && a->vm_file == b->vm_file &&
           (a->vm_file == NULL ||
            a->vm_pgoff + (a->vm_end - a->vm_start) / PAGE_SIZE == b->vm_pgoff);
}

struct vm_area_struct* vma_merge(struct vm_area_struct* vma) {
    struct mm_struct* mm = vma->vm_mm;
    if (vma->vm_link.prev == &mm->mmap) {
        return vma;
    }
    struct vm_area_struct* prev = list_entry(vma->vm_link.prev, struct vm_area_struct, vm_link);
    if (!can_merge(prev, vma)) {
        return vma;
    }
    mm->total_vm += (vma->vm_end - vma->vm_start) / PAGE_SIZE;  // vm_area_free takes it off again
    prev->vm_end = vma->vm_end;
    vm_area_free(vma);
    return prev;
}

int expand_stack(struct vm_area_struct* vma, unsigned long address) {
    address &= PAGE_MASK;
    struct mm_struct* mm = vma->vm_mm;
    if (!(vma->vm_flags & VM_GROWSDOWN) || vma->vm_end - address > STACK_LIMIT) {
        return -ENOMEM;
    }
    if (vma->vm_link.prev != &mm->mmap) {
        const struct vm_area_struct* prev = list_entry(vma->vm_link.prev, struct vm_area_struct,
                                                       vm_link);
        if (prev->vm_end + STACK_GUARD_GAP > address) {
            return -ENOMEM;
        }
    }
    mm->total_vm += (vma->vm_start - address) / PAGE_SIZE;
    vma->vm_start = address;
    return 0;
}

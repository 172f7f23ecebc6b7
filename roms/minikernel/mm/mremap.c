// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/syscall.h"
#include "mm/mm_types.h"

// Changing the size or the place of a mapping. The pages stay the same: only their addresses
// change.

#define MREMAP_MAYMOVE 1UL
#define MREMAP_FIXED 2UL

struct remap {
    unsigned long addr, old_len, new_len, flags, new_addr;
};

static bool arguments_are_valid(const struct remap* r) {
    if ((r->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) || (r->addr & ~PAGE_MASK) ||
        r->old_len == 0 || r->new_len == 0 || r->addr > TASK_SIZE ||
        r->old_len > TASK_SIZE - r->addr || r->new_len > TASK_SIZE) {
        return false;
    }
    if (!(r->flags & MREMAP_FIXED)) {
        return true;
    }
    return (r->flags & MREMAP_MAYMOVE) && !(r->new_addr & ~PAGE_MASK) &&
           r->new_addr <= TASK_SIZE - r->new_len &&
           (r->addr + r->old_len <= r->new_addr || r->new_addr + r->new_len <= r->addr);
}

static bool expand_in_place(struct vm_area_struct* vma, const struct remap* r) {
    unsigned long end = r->addr + r->new_len;
    if (vma->vm_end != r->addr + r->old_len || end > TASK_SIZE || end < r->addr ||
        find_vma_intersection(vma->vm_mm, vma->vm_end, end) != NULL) {
        return false;
    }
    vma->vm_mm->total_vm += (end - vma->vm_end) / PAGE_SIZE;
    vma->vm_end = end;
    return true;
}

static long move_vma(struct vm_area_struct* vma, const struct remap* r) {
    struct mm_struct* mm = vma->vm_mm;
    unsigned long to = get_unmapped_area(mm, r->new_addr, r->new_len,
                                         r->flags & MREMAP_FIXED ? MAP_FIXED : 0);
    if (to >= (unsigned long)-MAX_ERRNO) {
        return (long)to;
    }
    struct vm_area_struct* copy = vm_area_dup(vma);
    if (copy == NULL) {
        return -ENOMEM;
    }
    copy->vm_start = to;
    copy->vm_end = to + r->new_len;
    copy->vm_pgoff += (r->addr - vma->vm_start) / PAGE_SIZE;
    insert_vm_struct(mm, copy);
    int error = move_page_range(mm, r->addr, to, min(r->old_len, r->new_len));
    if (error == 0) {
        error = do_munmap(mm, r->addr, r->old_len);
    }
    if (error != 0) {
        do_munmap(mm, to, r->new_len);
        return error;
    }
    return (long)to;
}

static long do_mremap(struct mm_struct* mm, const struct remap* r) {
    struct vm_area_struct* vma = find_vma(mm, r->addr);
    if (vma == NULL || vma->vm_start > r->addr || r->addr + r->old_len > vma->vm_end) {
        return -EFAULT;
    }
    if (overcommits(vma->vm_file, r->new_len, vma->vm_flags, 0)) {
        return -ENOMEM;
    }
    if (r->flags & MREMAP_FIXED) {
        int error = do_munmap(mm, r->new_addr, r->new_len);
        return error != 0 ? error : move_vma(vma, r);
    }
    if (r->new_len <= r->old_len) {
        return r->new_len == r->old_len
                   ? (long)r->addr
                   : (do_munmap(mm, r->addr + r->new_len, r->old_len - r->new_len)
                          ?: (long)r->addr);
    }
    if (expand_in_place(vma, r)) {
        return (long)r->addr;
    }
    return r->flags & MREMAP_MAYMOVE ? move_vma(vma, r) : -ENOMEM;
}

SYSCALL_DEFINE5(mremap, unsigned long, addr, unsigned long, old_len, unsigned long, new_len,
                unsigned long, flags, unsigned long, new_addr) {
    const struct remap r = {addr, PAGE_ALIGN(old_len), PAGE_ALIGN(new_len), flags,
                            flags & MREMAP_FIXED ? new_addr : 0};
    if (!arguments_are_valid(&r)) {
        return -EINVAL;
    }
    struct mm_struct* mm = current->mm;
    mutex_lock(&mm->mmap_lock);
    long result = do_mremap(mm, &r);
    mutex_unlock(&mm->mmap_lock);
    return result;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "mm/mm_types.h"

#define MMAP_MIN_ADDR 0x10000UL
#define MMAP_BASE (TASK_SIZE - (64UL << 20))  // below the stack and room for it to grow

unsigned long get_unmapped_area(struct mm_struct* mm, unsigned long addr, unsigned long len,
                                unsigned long flags) {
    if (len > TASK_SIZE - MMAP_MIN_ADDR) {
        return (unsigned long)-ENOMEM;
    }
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (addr & ~PAGE_MASK) {
            return (unsigned long)-EINVAL;
        }
        if (addr < MMAP_MIN_ADDR) {
            return (unsigned long)-EPERM;
        }
        if (addr > TASK_SIZE - len) {
            return (unsigned long)-ENOMEM;
        }
        return (flags & MAP_FIXED_NOREPLACE) && find_vma_intersection(mm, addr, addr + len) != NULL
                   ? (unsigned long)-EEXIST
                   : addr;
    }
    addr = PAGE_ALIGN(addr);
    if (addr >= MMAP_MIN_ADDR && addr <= TASK_SIZE - len &&
        find_vma_intersection(mm, addr, addr + len) == NULL) {
        return addr;
    }
    // From the top down: the highest hole that is large enough.
    unsigned long top = MMAP_BASE;
    struct list_head* at = mm->mmap.prev;
    for (; at != &mm->mmap; at = at->prev) {
        const struct vm_area_struct* vma = list_entry(at, struct vm_area_struct, vm_link);
        if (vma->vm_end <= top && top - vma->vm_end >= len) {
            break;
        }
        top = min(top, vma->vm_start);
    }
    return top >= MMAP_MIN_ADDR + len ? top - len : (unsigned long)-ENOMEM;
}

int do_munmap(struct mm_struct* mm, unsigned long start, size_t len) {
    len = PAGE_ALIGN(len);
    if ((start & ~PAGE_MASK) || len == 0 || start > TASK_SIZE || len > TASK_SIZE - start) {
        return -EINVAL;
    }
    unsigned long end = start + len;
    struct vm_area_struct* vma;
    while ((vma = find_vma_intersection(mm, start, end)) != NULL) {
        if (vma->vm_start < start) {
            int error = split_vma(vma, start);
            if (error != 0) {
                return error;
            }
            continue;
        }
        if (vma->vm_end > end) {
            int error = split_vma(vma, end);
            if (error != 0) {
                return error;
            }
        }
        unmap_page_range(mm, vma->vm_start, vma->vm_end);
        vm_area_free(vma);
    }
    return 0;
}

static unsigned long mmap_region(struct mm_struct* mm, struct file* file, unsigned long addr,
                                 unsigned long len, unsigned long vm_flags, unsigned long pgoff) {
    int error = do_munmap(mm, addr, len);
    if (error != 0) {
        return (unsigned long)error;
    }
    struct vm_area_struct* vma = vm_area_alloc(mm);
    if (vma == NULL) {
        return (unsigned long)-ENOMEM;
    }
    vma->vm_start = addr;
    vma->vm_end = addr + len;
    vma->vm_flags = vm_flags;
    vma->vm_pgoff = pgoff;
    vma->vm_file = file;
    if (file != NULL) {
        get_file(file);
    }
    insert_vm_struct(mm, vma);
    vma_merge(vma);
    return addr;
}

static int may_mmap(const struct file* file, unsigned long vm_flags) {
    if (file->f_inode->i_op == NULL || file->f_inode->i_op->get_page == NULL) {
        return -ENODEV;
    }
    if (!(file->f_mode & FMODE_READ) ||
        ((vm_flags & VM_SHARED) && (vm_flags & VM_WRITE) && !(file->f_mode & FMODE_WRITE))) {
        return -EACCES;
    }
    return 0;
}

bool overcommits(const struct file* file, unsigned long len, unsigned long vm_flags,
                 unsigned long flags) {
    return file == NULL && (vm_flags & VM_WRITE) && !(flags & MAP_NORESERVE) &&
           len / PAGE_SIZE > max_pfn;
}

static unsigned long do_mmap(struct mm_struct* mm, struct file* file, unsigned long addr,
                             unsigned long len, unsigned long prot, unsigned long flags,
                             unsigned long pgoff) {
    unsigned long type = flags & MAP_TYPE;
    if (len == 0 || (type != MAP_SHARED && type != MAP_PRIVATE && type != 3)) {
        return (unsigned long)-EINVAL;
    }
    if (PAGE_ALIGN(len) < len) {
        return (unsigned long)-ENOMEM;
    }
    len = PAGE_ALIGN(len);
    unsigned long vm_flags = (prot & VM_ACCESS) | (type == MAP_PRIVATE ? 0 : VM_SHARED) |
                             (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0);
    int error = file != NULL ? may_mmap(file, vm_flags) : 0;
    if (error != 0) {
        return (unsigned long)error;
    }
    if (overcommits(file, len, vm_flags, flags)) {
        return (unsigned long)-ENOMEM;
    }
    addr = get_unmapped_area(mm, addr, len, flags);
    if (addr >= (unsigned long)-MAX_ERRNO) {
        return addr;
    }
    return mmap_region(mm, file, addr, len, vm_flags, pgoff);
}

unsigned long vm_mmap(struct file* file, unsigned long addr, unsigned long len, unsigned long prot,
                      unsigned long flags, unsigned long pgoff) {
    struct mm_struct* mm = current->mm;
    struct file* shared = NULL;
    if (file == NULL && (flags & MAP_TYPE) != MAP_PRIVATE) {
        if (len / PAGE_SIZE > max_pfn) {
            return (unsigned long)-ENOMEM;
        }
        // Anonymous memory that a fork does not separate: a file without a name.
        file = shared = shmem_file_setup((loff_t)PAGE_ALIGN(len));
        if (IS_ERR(file)) {
            return (unsigned long)file;
        }
        pgoff = 0;
    }
    mutex_lock(&mm->mmap_lock);
    unsigned long result = do_mmap(mm, file, addr, len, prot, flags, pgoff);
    mutex_unlock(&mm->mmap_lock);
    if (shared != NULL) {
        fput(shared);
    }
    return result;
}

int vm_munmap(unsigned long start, size_t len) {
    struct mm_struct* mm = current->mm;
    mutex_lock(&mm->mmap_lock);
    int error = do_munmap(mm, start, len);
    mutex_unlock(&mm->mmap_lock);
    return error;
}

static int do_brk_flags(struct mm_struct* mm, unsigned long addr, unsigned long len,
                        unsigned long vm_flags) {
    if (len == 0) {
        return 0;
    }
    if (addr > TASK_SIZE || len > TASK_SIZE - addr ||
        overcommits(NULL, len, vm_flags, MAP_PRIVATE)) {
        return -ENOMEM;
    }
    unsigned long result = mmap_region(mm, NULL, addr, len, vm_flags, 0);
    return result >= (unsigned long)-MAX_ERRNO ? (int)result : 0;
}

int vm_brk_flags(unsigned long addr, unsigned long len, unsigned long vm_flags) {
    struct mm_struct* mm = current->mm;
    mutex_lock(&mm->mmap_lock);
    int error = do_brk_flags(mm, addr, PAGE_ALIGN(len), vm_flags);
    mutex_unlock(&mm->mmap_lock);
    return error;
}

static int change_brk(struct mm_struct* mm, unsigned long brk) {
    unsigned long old_end = PAGE_ALIGN(mm->brk), new_end = PAGE_ALIGN(brk);
    if (brk < mm->start_brk || brk > TASK_SIZE) {
        return -EINVAL;
    }
    if (new_end < old_end) {
        return do_munmap(mm, new_end, old_end - new_end);
    }
    if (new_end > old_end && find_vma_intersection(mm, old_end, new_end + PAGE_SIZE) != NULL) {
        return -ENOMEM;
    }
    return do_brk_flags(mm, old_end, new_end - old_end, VM_READ | VM_WRITE);
}

SYSCALL_DEFINE1(brk, unsigned long, brk) {
    struct mm_struct* mm = current->mm;
    mutex_lock(&mm->mmap_lock);
    if (change_brk(mm, brk) == 0) {
        mm->brk = brk;
    }
    brk = mm->brk;
    mutex_unlock(&mm->mmap_lock);
    return (long)brk;
}

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot, unsigned long,
                flags, unsigned int, fd, unsigned long, off) {
    if (off & ~PAGE_MASK) {
        return -EINVAL;
    }
    struct file* file = NULL;
    if (!(flags & MAP_ANONYMOUS)) {
        file = fget(fd);
        if (file == NULL) {
            return -EBADF;
        }
    }
    long result = (long)vm_mmap(file, addr, len, prot, flags, off / PAGE_SIZE);
    if (file != NULL) {
        fput(file);
    }
    return result;
}

SYSCALL_DEFINE2(munmap, unsigned long, addr, size_t, len) { return vm_munmap(addr, len); }

static int mprotect_fixup(struct mm_struct* mm, unsigned long start, unsigned long end,
                          unsigned long prot) {
    for (unsigned long at = start; at < end;) {
        struct vm_area_struct* vma = find_vma(mm, at);
        if (vma == NULL || vma->vm_start > at) {
            return -ENOMEM;
        }
        if (vma->vm_file != NULL && (vma->vm_flags & VM_SHARED) && (prot & VM_WRITE) &&
            !(vma->vm_file->f_mode & FMODE_WRITE)) {
            return -EACCES;
        }
        int error = 0;
        if (vma->vm_start < at) {
            error = split_vma(vma, at);
            vma = find_vma(mm, at);
        }
        if (error == 0 && vma->vm_end > end) {
            error = split_vma(vma, end);
        }
        if (error != 0) {
            return error;
        }
        vma->vm_flags = (vma->vm_flags & ~VM_ACCESS) | (prot & VM_ACCESS);
        at = vma->vm_end;
        change_protection(vma, vma->vm_start, vma->vm_end);
        vma_merge(vma);
    }
    return 0;
}

SYSCALL_DEFINE3(mprotect, unsigned long, start, size_t, len, unsigned long, prot) {
    struct mm_struct* mm = current->mm;
    if ((start & ~PAGE_MASK) || PAGE_ALIGN(len) < len || start > TASK_SIZE ||
        PAGE_ALIGN(len) > TASK_SIZE - start) {
        return start & ~PAGE_MASK ? -EINVAL : -ENOMEM;
    }
    mutex_lock(&mm->mmap_lock);
    int error = mprotect_fixup(mm, start, start + PAGE_ALIGN(len), prot);
    mutex_unlock(&mm->mmap_lock);
    return error;
}

SYSCALL_DEFINE3(madvise, unsigned long, start, size_t, len, int, advice) {
    // Advice may be ignored; only MADV_DONTNEED promises something.
    if (advice == 4) {
        struct mm_struct* mm = current->mm;
        if ((start & ~PAGE_MASK) || start > TASK_SIZE || len > TASK_SIZE - start) {
            return -EINVAL;
        }
        mutex_lock(&mm->mmap_lock);
        unmap_page_range(mm, start, start + PAGE_ALIGN(len));
        mutex_unlock(&mm->mmap_lock);
    }
    return 0;
}

SYSCALL_DEFINE3(msync, unsigned long, start, size_t, len, int, flags) {
    (void)start;
    (void)len;
    (void)flags;
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "kernel/task.h"
#include "mm/mm_types.h"
#include "mm/slab.h"
#include "mm/tlb.h"

struct mm_struct* mm_alloc(void) {
    struct mm_struct* mm = kmalloc(sizeof(*mm), GFP_KERNEL | __GFP_ZERO);
    if (mm == NULL) {
        return NULL;
    }
    mm->pgd = pgd_alloc();
    if (mm->pgd == NULL) {
        kfree(mm);
        return NULL;
    }
    mm->mm_users = 1;
    INIT_LIST_HEAD(&mm->mmap);
    mutex_init(&mm->mmap_lock);
    return mm;
}

static void exit_mmap(struct mm_struct* mm) {
    struct vm_area_struct *vma, *next;
    list_for_each_entry_safe(vma, next, &mm->mmap, vm_link) {
        unmap_page_range(mm, vma->vm_start, vma->vm_end);
        vm_area_free(vma);
    }
}

void mmget(struct mm_struct* mm) { __atomic_add_fetch(&mm->mm_users, 1, __ATOMIC_RELAXED); }

struct mm_struct* get_task_mm(struct task_struct* p) {
    spin_lock_irq(&tasklist_lock);
    struct mm_struct* mm = p->mm;
    if (mm != NULL) {
        mmget(mm);
    }
    spin_unlock_irq(&tasklist_lock);
    return mm;
}

void mmput(struct mm_struct* mm) {
    if (mm == NULL || __atomic_sub_fetch(&mm->mm_users, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    exit_mmap(mm);
    pgd_free(mm->pgd);
    if (mm->exe_file != NULL) {
        fput(mm->exe_file);
    }
    kfree(mm);
}

static int dup_mmap(struct mm_struct* mm, struct mm_struct* oldmm) {
    struct vm_area_struct* vma;
    list_for_each_entry(vma, &oldmm->mmap, vm_link) {
        struct vm_area_struct* copy = vm_area_dup(vma);
        if (copy == NULL) {
            return -1;
        }
        copy->vm_mm = mm;
        insert_vm_struct(mm, copy);
        if (copy_page_range(copy, vma) != 0) {
            return -1;
        }
    }
    return 0;
}

struct mm_struct* dup_mm(struct mm_struct* oldmm) {
    struct mm_struct* mm = mm_alloc();
    if (mm == NULL) {
        return NULL;
    }
    mutex_lock(&oldmm->mmap_lock);
    mm->start_code = oldmm->start_code;
    mm->end_code = oldmm->end_code;
    mm->start_data = oldmm->start_data;
    mm->end_data = oldmm->end_data;
    mm->start_brk = oldmm->start_brk;
    mm->brk = oldmm->brk;
    mm->start_stack = oldmm->start_stack;
    mm->arg_start = oldmm->arg_start;
    mm->arg_end = oldmm->arg_end;
    mm->env_start = oldmm->env_start;
    mm->env_end = oldmm->env_end;
    mm->exe_file = oldmm->exe_file;
    if (mm->exe_file != NULL) {
        get_file(mm->exe_file);
    }
    int error = dup_mmap(mm, oldmm);
    flush_tlb_mm(oldmm);  // what was writable is shared now
    mutex_unlock(&oldmm->mmap_lock);
    if (error != 0) {
        mmput(mm);
        return NULL;
    }
    return mm;
}

void exec_mmap(struct mm_struct* mm) {
    struct mm_struct* old = current->mm;
    spin_lock_irq(&tasklist_lock);  // get_task_mm() looks at it
    current->mm = mm;
    switch_mm(mm);
    spin_unlock_irq(&tasklist_lock);
    mmput(old);
}

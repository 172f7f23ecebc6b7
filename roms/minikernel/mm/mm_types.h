// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/mutex.h"
#include "lib/list.h"
#include "mm/paging.h"

struct file;
struct mm_struct;

#define VM_READ 0x1UL
#define VM_WRITE 0x2UL
#define VM_EXEC 0x4UL
#define VM_SHARED 0x8UL
#define VM_GROWSDOWN 0x100UL
#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)

/// A range of an address space whose pages have one origin and one set of rights.
struct vm_area_struct {
    unsigned long vm_start;
    unsigned long vm_end;
    struct mm_struct* vm_mm;
    unsigned long vm_flags;
    unsigned long vm_pgoff;  // of vm_start in vm_file, in pages
    struct file* vm_file;    // NULL: anonymous memory
    struct list_head vm_link;
};

/// An address space.
struct mm_struct {
    pte_t* pgd;
    struct list_head mmap;  // areas by address
    struct mutex mmap_lock;
    int mm_users;
    unsigned long cpu_bitmap;  // CPUs that have it loaded
    unsigned int map_count;
    unsigned long total_vm;  // pages of all areas
    long rss;                // pages that are there
    unsigned long start_code, end_code, start_data, end_data;
    unsigned long start_brk, brk, start_stack;
    unsigned long arg_start, arg_end, env_start, env_end;
    struct file* exe_file;
};

// mm.c
struct mm_struct* mm_alloc(void);
/// A copy of `oldmm`: private pages are shared until one side writes. NULL when there is no memory.
struct mm_struct* dup_mm(struct mm_struct* oldmm);
void mmget(struct mm_struct* mm);
void mmput(struct mm_struct* mm);
struct task_struct;
/// The address space of any task, held until mmput; NULL when it has none.
struct mm_struct* get_task_mm(struct task_struct* p);
/// The current task moves into `mm`; NULL: it has no user memory any more. Drops the old one.
void exec_mmap(struct mm_struct* mm);

// vma.c: all with mmap_lock held.
/// The first area that ends behind `addr`; NULL when there is none.
struct vm_area_struct* find_vma(struct mm_struct* mm, unsigned long addr);
/// Any area in [start, end)?
struct vm_area_struct* find_vma_intersection(struct mm_struct* mm, unsigned long start,
                                             unsigned long end);
struct vm_area_struct* vm_area_alloc(struct mm_struct* mm);
struct vm_area_struct* vm_area_dup(const struct vm_area_struct* vma);
void vm_area_free(struct vm_area_struct* vma);
void insert_vm_struct(struct mm_struct* mm, struct vm_area_struct* vma);
/// Cuts `vma` in two at `addr`, which becomes the second one's start.
int split_vma(struct vm_area_struct* vma, unsigned long addr);
/// Joins `vma` with the area before it when nothing distinguishes them; the one that is left.
struct vm_area_struct* vma_merge(struct vm_area_struct* vma);
/// For a fault just below a stack: lets it grow.
int expand_stack(struct vm_area_struct* vma, unsigned long address);

// memory.c
#define FAULT_FLAG_WRITE 0x1u
#define VM_FAULT_OOM 0x1
#define VM_FAULT_SIGBUS 0x2
#define VM_FAULT_SIGSEGV 0x40
int handle_mm_fault(struct vm_area_struct* vma, unsigned long address, unsigned int flags);
int copy_page_range(struct vm_area_struct* dst, struct vm_area_struct* src);
/// Pages move with what they hold; nothing is mapped at `to` yet. 0, or -ENOMEM and nothing moved.
int move_page_range(struct mm_struct* mm, unsigned long from, unsigned long to, unsigned long len);
void unmap_page_range(struct mm_struct* mm, unsigned long start, unsigned long end);
void change_protection(struct vm_area_struct* vma, unsigned long start, unsigned long end);
pte_t* pgd_alloc(void);
/// Frees the tables of the user half; no page is mapped any more.
void pgd_free(pte_t* pgd);
/// The physical page that `address` is mapped to, held; NULL when there is none.
struct page* follow_page(struct mm_struct* mm, unsigned long address);

// mmap.c
#define PROT_READ 0x1UL
#define PROT_WRITE 0x2UL
#define PROT_EXEC 0x4UL
#define MAP_SHARED 0x01UL
#define MAP_PRIVATE 0x02UL
#define MAP_TYPE 0x0fUL
#define MAP_FIXED 0x10UL
#define MAP_ANONYMOUS 0x20UL
#define MAP_GROWSDOWN 0x0100UL
#define MAP_NORESERVE 0x4000UL
#define MAP_FIXED_NOREPLACE 0x100000UL
#define PAGE_ALIGN(addr) (((addr) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#define PAGE_MASK (~(PAGE_SIZE - 1))

/// Maps `len` bytes; the address, or a negative errno. Takes mmap_lock.
unsigned long vm_mmap(struct file* file, unsigned long addr, unsigned long len, unsigned long prot,
                      unsigned long flags, unsigned long pgoff);
/// A hole of `len` bytes (with MAP_FIXED: `addr`), or a negative errno. With mmap_lock held.
unsigned long get_unmapped_area(struct mm_struct* mm, unsigned long addr, unsigned long len,
                                unsigned long flags);
/// Is this more than the machine could ever hold? What is only reserved, or never written, is free.
bool overcommits(const struct file* file, unsigned long len, unsigned long vm_flags,
                 unsigned long flags);
int vm_munmap(unsigned long start, size_t len);
int do_munmap(struct mm_struct* mm, unsigned long start, size_t len);
/// Anonymous memory at a fixed place, for a program's bss and heap.
int vm_brk_flags(unsigned long addr, unsigned long len, unsigned long vm_flags);

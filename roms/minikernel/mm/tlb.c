// SPDX-License-Identifier: GPL-2.0-only
#include "mm/tlb.h"

#include "arch/processor.h"
#include "arch/smp.h"
#include "kernel/preempt.h"

// The address space that a CPU has loaded; NULL: only the kernel's half.
static DEFINE_PER_CPU(struct mm_struct*, loaded_mm);

#define FEW_PAGES 32  // more than these are not worth an INVLPG each

struct flush_tlb_info {
    struct mm_struct* mm;  // NULL: the kernel's half
    unsigned long start, end;
};

void switch_mm(struct mm_struct* next) {
    struct mm_struct* prev = this_cpu_read(loaded_mm);
    if (prev == next) {
        return;
    }
    unsigned long me = cpumask_of(smp_processor_id());
    // Listed too early or for too long, we only get an interrupt that we do not need.
    if (next != NULL) {
        __atomic_fetch_or(&next->cpu_bitmap, me, __ATOMIC_SEQ_CST);
    }
    this_cpu_write(loaded_mm, next);
    write_cr3(__pa(next != NULL ? next->pgd : init_top_pgt));
    if (prev != NULL) {
        __atomic_fetch_and(&prev->cpu_bitmap, ~me, __ATOMIC_SEQ_CST);
    }
}

static void flush_tlb_func(void* info) {
    const struct flush_tlb_info* f = info;
    if (f->mm != NULL && this_cpu_read(loaded_mm) != f->mm) {
        return;
    }
    if (f->mm != NULL && (f->end - f->start) / PAGE_SIZE > FEW_PAGES) {
        write_cr3(read_cr3());  // all but the kernel's, whose pages are global
        return;
    }
    for (unsigned long va = f->start; va < f->end; va += PAGE_SIZE) {
        invlpg(va);
    }
}

void flush_tlb_range(struct mm_struct* mm, unsigned long start, unsigned long end) {
    struct flush_tlb_info info = {mm, start, end};
    preempt_disable();
    flush_tlb_func(&info);
    smp_call_function_many(READ_ONCE(mm->cpu_bitmap), flush_tlb_func, &info);
    preempt_enable();
}

void flush_tlb_mm(struct mm_struct* mm) { flush_tlb_range(mm, 0, ~0UL); }

void flush_tlb_kernel_range(unsigned long start, unsigned long end) {
    struct flush_tlb_info info = {NULL, start, end};
    preempt_disable();
    flush_tlb_func(&info);
    smp_call_function_many(cpu_online_mask, flush_tlb_func, &info);
    preempt_enable();
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/asm_offsets.h"
#include "arch/desc.h"
#include "arch/memory_map.h"
#include "kernel/sched.h"

static_assert(offsetof(struct task_struct, thread.sp) == TASK_THREAD_SP, "arch/asm_offsets.h");

/// The end of a task switch, already on the new stack (arch/switch.S).
struct task_struct* __switch_to(struct task_struct* prev, struct task_struct* next);
struct task_struct* __switch_to(struct task_struct* prev, struct task_struct* next) {
    this_cpu_write(current_task, next);
    load_sp0((unsigned long)next->stack + THREAD_SIZE);
    return prev;
}

// What __switch_to_asm pops.
struct inactive_task_frame {
    unsigned long r15, r14, r13, r12, bx, bp, ret_addr;
    unsigned long end_of_trace[2];
};

void ret_from_fork(void);

void copy_thread(struct task_struct* p, int (*fn)(void*), void* arg) {
    struct inactive_task_frame* frame = (struct inactive_task_frame*)((char*)p->stack +
                                                                      THREAD_SIZE) -
                                        1;
    *frame = (struct inactive_task_frame){
        .r12 = (unsigned long)arg,
        .bx = (unsigned long)fn,
        .ret_addr = (unsigned long)ret_from_fork,
    };
    p->thread.sp = (unsigned long)frame;
}

void arch_cpu_idle(void) { safe_halt(); }

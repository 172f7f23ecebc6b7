// SPDX-License-Identifier: GPL-2.0-only
#include "arch/asm_offsets.h"
#include "arch/desc.h"
#include "arch/memory_map.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "mm/mm_types.h"
#include "mm/tlb.h"

static_assert(offsetof(struct task_struct, thread.sp) == TASK_THREAD_SP, "arch/asm_offsets.h");

DEFINE_PER_CPU(unsigned long, cpu_current_top_of_stack);
DEFINE_PER_CPU(unsigned long, rsp_scratch);

static void switch_fpu(struct task_struct* prev, struct task_struct* next) {
    if (prev->mm != NULL) {
        __asm__ volatile("fxsave64 %0" : "=m"(prev->fpu));
    }
    if (next->mm != NULL) {
        __asm__ volatile("fxrstor64 %0" : : "m"(next->fpu));
    }
}

static void switch_bases(struct task_struct* next) {
    if (next->mm != NULL) {
        wrmsr(MSR_FS_BASE, next->thread.fsbase);
        wrmsr(MSR_KERNEL_GS_BASE, next->thread.gsbase);
    }
}

/// The end of a task switch, already on the new stack (arch/switch.S).
struct task_struct* __switch_to(struct task_struct* prev, struct task_struct* next);
struct task_struct* __switch_to(struct task_struct* prev, struct task_struct* next) {
    unsigned long top = (unsigned long)next->stack + THREAD_SIZE;
    switch_fpu(prev, next);
    switch_bases(next);
    switch_mm(next->mm);
    this_cpu_write(current_task, next);
    this_cpu_write(cpu_current_top_of_stack, top);
    load_sp0(top);
    return prev;
}

// What __switch_to_asm pops; struct pt_regs lies behind it.
struct inactive_task_frame {
    unsigned long r15, r14, r13, r12, bx, bp, ret_addr;
};

void ret_from_fork(void);

struct pt_regs* task_pt_regs(struct task_struct* p) {
    return (struct pt_regs*)((char*)p->stack + THREAD_SIZE) - 1;
}

static struct inactive_task_frame* fork_frame(struct task_struct* p) {
    struct inactive_task_frame* frame = (struct inactive_task_frame*)task_pt_regs(p) - 1;
    *frame = (struct inactive_task_frame){.ret_addr = (unsigned long)ret_from_fork};
    p->thread.sp = (unsigned long)frame;
    return frame;
}

void copy_thread_kernel(struct task_struct* p, int (*fn)(void*), void* arg) {
    struct inactive_task_frame* frame = fork_frame(p);
    frame->bx = (unsigned long)fn;
    frame->r12 = (unsigned long)arg;
}

void copy_thread_user(struct task_struct* p, unsigned long sp, unsigned long tls, bool set_tls) {
    struct pt_regs* regs = task_pt_regs(p);
    *regs = *task_pt_regs(current);
    regs->ax = 0;
    if (sp != 0) {
        regs->sp = sp;
    }
    fork_frame(p);
    p->thread.fsbase = set_tls ? tls : current->thread.fsbase;
    p->thread.gsbase = current->thread.gsbase;
    __asm__ volatile("fxsave64 %0" : "=m"(p->fpu));
}

/// After a kernel thread's function.
void kernel_thread_returned(int result);
void kernel_thread_returned(int result) {
    if (current->mm == NULL) {
        do_exit(result);
    }
}

void start_thread(struct pt_regs* regs, unsigned long ip, unsigned long sp) {
    // The state after a reset: all exceptions masked.
    static struct fpu fresh = {.fxsave = {0x7f, 0x03, [24] = 0x80, 0x1f}};
    *regs = (struct pt_regs){
        .ip = ip,
        .sp = sp,
        .cs = __USER_CS,
        .ss = __USER_DS,
        .flags = X86_EFLAGS_FIXED | X86_EFLAGS_IF,
        .orig_ax = (unsigned long)-1,
    };
    preempt_disable();
    __asm__ volatile("fxrstor64 %0" : : "m"(fresh));
    current->thread.fsbase = current->thread.gsbase = 0;
    switch_bases(current);
    preempt_enable();
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, arg) {
    struct thread_struct* thread = &current->thread;
    switch (option) {
        case ARCH_GET_FS: return put_user(thread->fsbase, (unsigned long __user*)arg);
        case ARCH_GET_GS: return put_user(thread->gsbase, (unsigned long __user*)arg);
        case ARCH_SET_FS:
        case ARCH_SET_GS:
            // A GS base in the kernel's half would be taken for the kernel's own.
            if (arg >= TASK_SIZE) {
                return -EPERM;
            }
            preempt_disable();
            *(option == ARCH_SET_FS ? &thread->fsbase : &thread->gsbase) = arg;
            switch_bases(current);
            preempt_enable();
            return 0;
        default: return -EINVAL;
    }
}

void arch_cpu_idle(void) { safe_halt(); }

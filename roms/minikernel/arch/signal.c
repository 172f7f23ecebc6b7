// SPDX-License-Identifier: GPL-2.0-only
#include "arch/desc.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/string.h"

// The frame of a signal handler on the user's stack: Linux's struct rt_sigframe, byte for byte.

struct sigcontext {
    u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct ucontext {
    u64 uc_flags, uc_link;
    u64 ss_sp, ss_flags, ss_size;
    struct sigcontext uc_mcontext;
    sigset_t uc_sigmask;
};

struct rt_sigframe {
    u64 pretcode;
    struct ucontext uc;
    u8 info[128];
};

#define RED_ZONE 128
#define FLAGS_OF_USER 0x40dd5UL  // AC, OF, DF, TF, SF, ZF, AF, PF, CF

static unsigned long sigframe_top(const struct ksignal* ksig, const struct pt_regs* regs) {
    unsigned long sp = regs->sp - RED_ZONE;
    const struct task_struct* p = current;
    bool on_altstack = regs->sp > p->sas_ss_sp && regs->sp - p->sas_ss_sp <= p->sas_ss_size;
    if ((ksig->ka.sa_flags & SA_ONSTACK) && p->sas_ss_size != 0 && !on_altstack) {
        sp = p->sas_ss_sp + p->sas_ss_size;
    }
    return sp;
}

static int setup_rt_frame(const struct ksignal* ksig, struct pt_regs* regs) {
    unsigned long fp = (sigframe_top(ksig, regs) - sizeof(struct fpu)) & ~63UL;
    unsigned long at = ((fp - sizeof(struct rt_sigframe)) & ~15UL) - 8;
    struct fpu fpu __aligned(16);
    struct rt_sigframe frame = {
        .pretcode = ksig->ka.sa_restorer,
        .uc = {.ss_sp = current->sas_ss_sp,
               .ss_flags = current->sas_ss_size == 0 ? 2 : 0,
               .ss_size = current->sas_ss_size,
               .uc_sigmask = current->restore_sigmask ? current->saved_sigmask : current->blocked,
               .uc_mcontext = {regs->r8,  regs->r9,      regs->r10,    regs->r11,     regs->r12,
                               regs->r13, regs->r14,     regs->r15,    regs->di,      regs->si,
                               regs->bp,  regs->bx,      regs->dx,     regs->ax,      regs->cx,
                               regs->sp,  regs->ip,      regs->flags,  (u16)regs->cs, 0,
                               0,         (u16)regs->ss, .fpstate = fp}},
    };
    memcpy(frame.info, &ksig->info, sizeof(ksig->info));
    // The stack is only 8-byte aligned in the kernel: FXSAVE goes to the task's own area.
    preempt_disable();
    __asm__ volatile("fxsave64 %0" : "=m"(current->fpu));
    fpu = current->fpu;
    preempt_enable();
    if (!(ksig->ka.sa_flags & SA_RESTORER) || copy_to_user((void*)fp, &fpu, sizeof(fpu)) != 0 ||
        copy_to_user((void*)at, &frame, sizeof(frame)) != 0) {
        return -EFAULT;
    }
    regs->di = (unsigned long)ksig->sig;
    regs->si = at + offsetof(struct rt_sigframe, info);
    regs->dx = at + offsetof(struct rt_sigframe, uc);
    regs->ax = 0;
    regs->sp = at;
    regs->ip = ksig->ka.sa_handler;
    regs->flags &= ~(X86_EFLAGS_TF | 0x400UL);
    return 0;
}

static bool good_ip(unsigned long ip) { return ip < TASK_SIZE; }

static void handle_signal(const struct ksignal* ksig, struct pt_regs* regs) {
    if (!good_ip(ksig->ka.sa_handler) || setup_rt_frame(ksig, regs) != 0) {
        do_group_exit(SIGSEGV);
    }
    sigset_t blocked = current->blocked | ksig->ka.sa_mask;
    if (!(ksig->ka.sa_flags & SA_NODEFER)) {
        blocked |= sigmask(ksig->sig);
    }
    current->restore_sigmask = false;
    set_current_blocked(blocked);
}

static bool interrupted(const struct pt_regs* regs) {
    return (long)regs->orig_ax >= 0 && regs->ax == (unsigned long)-ERESTARTSYS;
}

static void restart(struct pt_regs* regs) {
    regs->ax = regs->orig_ax;
    regs->ip -= 2;  // the SYSCALL instruction
}

void arch_do_signal_or_restart(struct pt_regs* regs) {
    struct ksignal ksig;
    if (get_signal(&ksig)) {
        if (interrupted(regs)) {
            if (ksig.ka.sa_flags & SA_RESTART) {
                restart(regs);
            } else {
                regs->ax = (unsigned long)-EINTR;
            }
        }
        regs->orig_ax = (unsigned long)-1;
        handle_signal(&ksig, regs);
        return;
    }
    if (interrupted(regs)) {
        restart(regs);
        regs->orig_ax = (unsigned long)-1;
    }
    if (current->restore_sigmask) {
        current->restore_sigmask = false;
        set_current_blocked(current->saved_sigmask);
    }
}

static int restore_fpu(unsigned long from) {
    struct fpu fpu;
    if (from == 0) {
        return 0;
    }
    if (copy_from_user(&fpu, (void*)from, sizeof(fpu)) != 0) {
        return -EFAULT;
    }
    // Reserved bits of MXCSR would make FXRSTOR fault.
    fpu.fxsave[26] = fpu.fxsave[27] = 0;
    preempt_disable();
    current->fpu = fpu;
    __asm__ volatile("fxrstor64 %0" : : "m"(current->fpu));
    preempt_enable();
    return 0;
}

SYSCALL_DEFINE0(rt_sigreturn) {
    struct pt_regs* regs = task_pt_regs(current);
    struct rt_sigframe frame;
    if (copy_from_user(&frame, (void*)(regs->sp - 8), sizeof(frame)) != 0 ||
        restore_fpu(frame.uc.uc_mcontext.fpstate) != 0 || !good_ip(frame.uc.uc_mcontext.ip)) {
        do_group_exit(SIGSEGV);
    }
    const struct sigcontext* sc = &frame.uc.uc_mcontext;
    *regs = (struct pt_regs){sc->r15,
                             sc->r14,
                             sc->r13,
                             sc->r12,
                             sc->bp,
                             sc->bx,
                             sc->r11,
                             sc->r10,
                             sc->r9,
                             sc->r8,
                             sc->ax,
                             sc->cx,
                             sc->dx,
                             sc->si,
                             sc->di,
                             (unsigned long)-1,
                             sc->ip,
                             __USER_CS,
                             (regs->flags & ~FLAGS_OF_USER) | (sc->flags & FLAGS_OF_USER),
                             sc->sp,
                             __USER_DS};
    set_current_blocked(frame.uc.uc_sigmask);
    return (long)regs->ax;
}

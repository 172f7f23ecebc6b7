// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

// To whom a signal goes: one task, a process, a group of them, or everybody.

#define INIT_PID 1

static struct kernel_siginfo user_info(int sig, int code) {
    return (struct kernel_siginfo){.si_signo = sig, .si_code = code, .si_pid = current->tgid};
}

static int kill_pgrp_info(pid_t pgrp, int sig, const struct kernel_siginfo* info) {
    struct task_struct* p;
    int error = -ESRCH;
    unsigned long flags = spin_lock_irqsave(&tasklist_lock);  // the terminal's interrupt comes here
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (thread_group_leader(p) && p->signal->pgrp == pgrp && pgrp != 0) {
            error = sig != 0 ? send_signal_locked(sig, info, p, true) : 0;
        }
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return error;
}

int kill_pgrp(pid_t pgrp, int sig) {
    const struct kernel_siginfo info = {.si_signo = sig, .si_code = SI_KERNEL};
    return kill_pgrp_info(pgrp, sig, &info);
}

static int kill_everybody(int sig, const struct kernel_siginfo* info) {
    struct task_struct* p;
    int error = -ESRCH;
    spin_lock_irq(&tasklist_lock);
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (thread_group_leader(p) && p->tgid > INIT_PID && p->tgid != current->tgid) {
            error = sig != 0 ? send_signal_locked(sig, info, p, true) : 0;
        }
    }
    spin_unlock_irq(&tasklist_lock);
    return error;
}

static int kill_one(pid_t pid, pid_t tgid, int sig, const struct kernel_siginfo* info, bool group) {
    spin_lock_irq(&tasklist_lock);
    struct task_struct* p = find_task_by_pid(pid);
    int error = p == NULL || (tgid > 0 && p->tgid != tgid) ? -ESRCH
                : sig == 0                                 ? 0
                           : send_signal_locked(sig, info, p, group);
    spin_unlock_irq(&tasklist_lock);
    return error;
}

SYSCALL_DEFINE2(kill, pid_t, pid, int, sig) {
    if (sig < 0 || sig > _NSIG) {
        return -EINVAL;
    }
    const struct kernel_siginfo info = user_info(sig, SI_USER);
    if (pid == -1) {
        return kill_everybody(sig, &info);
    }
    return pid > 0 ? kill_one(pid, 0, sig, &info, true)
                   : kill_pgrp_info(pid == 0 ? current->signal->pgrp : -pid, sig, &info);
}

SYSCALL_DEFINE3(tgkill, pid_t, tgid, pid_t, pid, int, sig) {
    if (sig < 0 || sig > _NSIG || pid <= 0 || tgid <= 0) {
        return -EINVAL;
    }
    const struct kernel_siginfo info = user_info(sig, SI_TKILL);
    return kill_one(pid, tgid, sig, &info, false);
}

SYSCALL_DEFINE2(tkill, pid_t, pid, int, sig) {
    if (sig < 0 || sig > _NSIG || pid <= 0) {
        return -EINVAL;
    }
    const struct kernel_siginfo info = user_info(sig, SI_TKILL);
    return kill_one(pid, 0, sig, &info, false);
}

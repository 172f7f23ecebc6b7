// SPDX-License-Identifier: GPL-2.0-only
#include "fs/fs.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"

// What a program may do about the signals it gets: handlers, masks, waiting.

int set_current_blocked(sigset_t set) {
    spin_lock_irq(&tasklist_lock);
    current->blocked = set & ~SIG_UNBLOCKABLE;
    recalc_sigpending();
    spin_unlock_irq(&tasklist_lock);
    return 0;
}

SYSCALL_DEFINE4(rt_sigaction, int, sig, const struct sigaction __user*, act,
                struct sigaction __user*, oact, size_t, size) {
    struct sigaction new_action, old;
    if (size != sizeof(sigset_t) || sig < 1 || sig > _NSIG ||
        (act != NULL && (sigmask(sig) & SIG_UNBLOCKABLE))) {
        return -EINVAL;
    }
    if (act != NULL && get_user(new_action, act) != 0) {
        return -EFAULT;
    }
    spin_lock_irq(&tasklist_lock);
    old = current->sighand->action[sig - 1];
    if (act != NULL) {
        new_action.sa_mask &= ~SIG_UNBLOCKABLE;
        current->sighand->action[sig - 1] = new_action;
        if (new_action.sa_handler == SIG_IGN ||
            (new_action.sa_handler == SIG_DFL && (sigmask(sig) & SIG_KERNEL_IGNORE))) {
            drop_from_all(current, sigmask(sig));
        }
    }
    spin_unlock_irq(&tasklist_lock);
    return oact != NULL ? put_user(old, oact) : 0;
}

SYSCALL_DEFINE4(rt_sigprocmask, int, how, const sigset_t __user*, nset, sigset_t __user*, oset,
                size_t, size) {
    sigset_t old = current->blocked, set;
    if (size != sizeof(sigset_t)) {
        return -EINVAL;
    }
    if (nset != NULL) {
        if (get_user(set, nset) != 0) {
            return -EFAULT;
        }
        if (how < 0 || how > 2) {
            return -EINVAL;
        }
        set_current_blocked(how == 0 ? old | set : how == 1 ? old & ~set : set);
    }
    return oset != NULL ? put_user(old, oset) : 0;
}

SYSCALL_DEFINE2(rt_sigpending, sigset_t __user*, uset, size_t, size) {
    sigset_t set = (current->pending.signal | current->signal->shared_pending.signal) &
                   current->blocked;
    return size != sizeof(set) ? -EINVAL : put_user(set, uset);
}

int set_user_sigmask(const sigset_t __user* mask, size_t size) {
    sigset_t set;
    if (mask == NULL) {
        return 0;
    }
    if (size != sizeof(set)) {
        return -EINVAL;
    }
    if (get_user(set, mask) != 0) {
        return -EFAULT;
    }
    current->saved_sigmask = current->blocked;
    return set_current_blocked(set);
}

void restore_user_sigmask(const sigset_t __user* mask, bool interrupted) {
    if (mask == NULL) {
        return;
    }
    if (interrupted) {
        current->restore_sigmask = true;
    } else {
        set_current_blocked(current->saved_sigmask);
    }
}

SYSCALL_DEFINE2(rt_sigsuspend, const sigset_t __user*, unewset, size_t, size) {
    sigset_t set;
    if (size != sizeof(set)) {
        return -EINVAL;
    }
    if (get_user(set, unewset) != 0) {
        return -EFAULT;
    }
    current->saved_sigmask = current->blocked;
    set_current_blocked(set);
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (signal_pending(current)) {
            break;
        }
        schedule();
    }
    set_current_state(TASK_RUNNING);
    current->restore_sigmask = true;
    return -EINTR;
}

SYSCALL_DEFINE0(pause) {
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (signal_pending(current)) {
            break;
        }
        schedule();
    }
    set_current_state(TASK_RUNNING);
    return -EINTR;
}

static int take_signal(sigset_t set, struct kernel_siginfo* info) {
    spin_lock_irq(&tasklist_lock);
    int sig = dequeue_signal(set, info);
    recalc_sigpending();
    spin_unlock_irq(&tasklist_lock);
    return sig;
}

int copy_siginfo_to_user(void __user* to, const struct kernel_siginfo* info) {
    if (copy_to_user(to, info, sizeof(*info)) != 0 ||
        clear_user((char __user*)to + sizeof(*info), 128 - sizeof(*info)) != 0) {
        return -EFAULT;
    }
    return 0;
}

SYSCALL_DEFINE4(rt_sigtimedwait, const sigset_t __user*, uthese, void __user*, uinfo,
                const struct timespec64 __user*, uts, size_t, size) {
    sigset_t set;
    struct timespec64 ts;
    if (size != sizeof(set)) {
        return -EINVAL;
    }
    if (get_user(set, uthese) != 0 || (uts != NULL && get_user(ts, uts) != 0)) {
        return -EFAULT;
    }
    long timeout = uts != NULL ? timespec64_to_jiffies(&ts) : MAX_SCHEDULE_TIMEOUT;
    struct kernel_siginfo info;
    struct wait_queue_entry wait = {current, LIST_HEAD_INIT(wait.entry)};
    int sig;
    for (;;) {
        prepare_to_wait(&current->signalfd_wqh, &wait, TASK_INTERRUPTIBLE);
        sig = take_signal(set & ~SIG_UNBLOCKABLE, &info);
        if (sig != 0 || timeout == 0 || signal_pending(current)) {
            break;
        }
        timeout = schedule_timeout(timeout);
    }
    finish_wait(&current->signalfd_wqh, &wait);
    if (sig == 0) {
        return signal_pending(current) ? -EINTR : -EAGAIN;
    }
    return uinfo != NULL && copy_siginfo_to_user(uinfo, &info) != 0 ? -EFAULT : sig;
}

struct stack_t {
    unsigned long ss_sp;
    int ss_flags, pad;
    size_t ss_size;
};

SYSCALL_DEFINE2(sigaltstack, const struct stack_t __user*, uss, struct stack_t __user*, uoss) {
    struct stack_t ss,
        old = {current->sas_ss_sp, current->sas_ss_size == 0 ? 2 : 0, 0, current->sas_ss_size};
    if (uss != NULL) {
        if (get_user(ss, uss) != 0) {
            return -EFAULT;
        }
        bool off = ss.ss_flags & 2;
        if (!off && ss.ss_size < 2048) {
            return -ENOMEM;
        }
        current->sas_ss_sp = off ? 0 : ss.ss_sp;
        current->sas_ss_size = off ? 0 : ss.ss_size;
    }
    return uoss != NULL ? put_user(old, uoss) : 0;
}

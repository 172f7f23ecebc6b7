// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/string.h"

// Limits of a process's resources: kept and handed on; that of descriptors is enforced, too.

static long do_prlimit(struct signal_struct* signal, unsigned int resource,
                       const struct rlimit64* new_rlim, struct rlimit64* old_rlim) {
    if (resource >= RLIM_NLIMITS) {
        return -EINVAL;
    }
    struct rlimit64* rlim = &signal->rlim[resource];
    if (new_rlim != NULL && (new_rlim->rlim_cur > new_rlim->rlim_max ||
                             (resource == RLIMIT_NOFILE && new_rlim->rlim_max > rlim->rlim_max))) {
        return new_rlim->rlim_cur > new_rlim->rlim_max ? -EINVAL : -EPERM;
    }
    *old_rlim = *rlim;
    if (new_rlim != NULL) {
        *rlim = *new_rlim;
    }
    return 0;
}

// With tasklist_lock held.
static struct signal_struct* signal_of(pid_t pid) {
    struct task_struct* p = pid == 0 ? current : find_task_by_pid(pid);
    return p != NULL ? p->signal : NULL;
}

SYSCALL_DEFINE4(prlimit64, pid_t, pid, unsigned int, resource, const struct rlimit64 __user*,
                new_rlim, struct rlimit64 __user*, old_rlim) {
    struct rlimit64 wanted, old;
    if (new_rlim != NULL && get_user(wanted, new_rlim) != 0) {
        return -EFAULT;
    }
    spin_lock_irq(&tasklist_lock);
    struct signal_struct* signal = signal_of(pid);
    long error = signal == NULL
                     ? -ESRCH
                     : do_prlimit(signal, resource, new_rlim != NULL ? &wanted : NULL, &old);
    spin_unlock_irq(&tasklist_lock);
    return error == 0 && old_rlim != NULL ? put_user(old, old_rlim) : error;
}

SYSCALL_DEFINE2(getrlimit, unsigned int, resource, struct rlimit64 __user*, rlim) {
    struct rlimit64 old;
    long error = do_prlimit(current->signal, resource, NULL, &old);
    return error != 0 ? error : put_user(old, rlim);
}

SYSCALL_DEFINE2(setrlimit, unsigned int, resource, const struct rlimit64 __user*, rlim) {
    struct rlimit64 wanted, old;
    return get_user(wanted, rlim) != 0 ? -EFAULT
                                       : do_prlimit(current->signal, resource, &wanted, &old);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/reboot.h"
#include "arch/smp.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "lib/string.h"
#include "mm/page.h"

// Small system calls: who am I, what is this machine, process groups and sessions, limits.

pid_t task_ppid(const struct task_struct* p) {
    spin_lock_irq(&tasklist_lock);
    pid_t ppid = p->exit_state == EXIT_DEAD ? 0 : p->group_leader->real_parent->tgid;
    spin_unlock_irq(&tasklist_lock);
    return ppid;
}

SYSCALL_DEFINE0(getpid) { return current->tgid; }
SYSCALL_DEFINE0(gettid) { return current->pid; }
SYSCALL_DEFINE0(getppid) { return task_ppid(current); }
SYSCALL_DEFINE0(getuid) { return 0; }
SYSCALL_DEFINE0(setuid) { return 0; }
SYSCALL_DEFINE2(getgroups, int, size, void __user*, list) {
    (void)size;
    (void)list;
    return 0;
}

struct new_utsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

static struct new_utsname init_uts_ns = {
    "Linux", "trapgate", "6.1.0-minikernel", "#1 Trapgate minikernel", "x86_64", "(none)",
};

SYSCALL_DEFINE1(uname, struct new_utsname __user*, name) {
    return copy_to_user(name, &init_uts_ns, sizeof(init_uts_ns)) != 0 ? -EFAULT : 0;
}

SYSCALL_DEFINE2(sethostname, const char __user*, name, int, len) {
    char text[65] = "";
    if (len < 0 || len > 64) {
        return -EINVAL;
    }
    if (copy_from_user(text, name, (size_t)len) != 0) {
        return -EFAULT;
    }
    memcpy(init_uts_ns.nodename, text, sizeof(text));
    return 0;
}

static struct task_struct* process(pid_t pid) {
    struct task_struct* p = pid == 0 ? current->group_leader : find_task_by_pid(pid);
    return p != NULL && thread_group_leader(p) ? p : NULL;
}

static bool session_has_group(pid_t session, pid_t pgrp) {
    struct task_struct* p;
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (p->signal->pgrp == pgrp && p->signal->session == session) {
            return true;
        }
    }
    return false;
}

SYSCALL_DEFINE2(setpgid, pid_t, pid, pid_t, pgid) {
    if (pgid < 0) {
        return -EINVAL;
    }
    spin_lock_irq(&tasklist_lock);
    struct task_struct* p = process(pid);
    int error = 0;
    if (p == NULL || (p->tgid != current->tgid && p->real_parent->tgid != current->tgid)) {
        error = -ESRCH;
    } else if (p->signal->session == p->tgid || p->signal->session != current->signal->session) {
        error = -EPERM;
    } else if (p->tgid != current->tgid && !(p->flags & PF_FORKNOEXEC)) {
        error = -EACCES;
    } else {
        pgid = pgid == 0 ? p->tgid : pgid;
        error = pgid == p->tgid || session_has_group(p->signal->session, pgid) ? 0 : -EPERM;
    }
    if (error == 0) {
        p->signal->pgrp = pgid;
    }
    spin_unlock_irq(&tasklist_lock);
    return error;
}

static long ids_of(pid_t pid, bool session) {
    spin_lock_irq(&tasklist_lock);
    struct task_struct* p = pid == 0 ? current : find_task_by_pid(pid);
    long id = p == NULL ? -ESRCH : session ? p->signal->session : p->signal->pgrp;
    spin_unlock_irq(&tasklist_lock);
    return id;
}

SYSCALL_DEFINE1(getpgid, pid_t, pid) { return ids_of(pid, false); }
SYSCALL_DEFINE0(getpgrp) { return current->signal->pgrp; }
SYSCALL_DEFINE1(getsid, pid_t, pid) { return ids_of(pid, true); }

SYSCALL_DEFINE0(setsid) {
    struct signal_struct* signal = current->signal;
    spin_lock_irq(&tasklist_lock);
    bool leads = signal->pgrp == current->tgid && signal->session == current->tgid;
    if (!leads) {
        signal->session = signal->pgrp = current->tgid;
        signal->tty = NULL;
    }
    spin_unlock_irq(&tasklist_lock);
    return leads ? -EPERM : current->tgid;
}

#define PR_SET_NAME 15
#define PR_GET_NAME 16

SYSCALL_DEFINE2(prctl, int, option, char __user*, arg) {
    char comm[TASK_COMM_LEN];
    switch (option) {
        case PR_SET_NAME:
            if (strncpy_from_user(comm, arg, sizeof(comm)) < 0) {
                return -EFAULT;
            }
            comm[TASK_COMM_LEN - 1] = '\0';
            strscpy(current->comm, comm, sizeof(comm));
            return 0;
        case PR_GET_NAME: return copy_to_user(arg, current->comm, TASK_COMM_LEN) != 0 ? -EFAULT : 0;
        default: return -EINVAL;
    }
}

SYSCALL_DEFINE0(sched_yield) {
    schedule();
    return 0;
}

SYSCALL_DEFINE3(sched_getaffinity, pid_t, pid, unsigned int, len, unsigned long __user*, mask) {
    (void)pid;
    return len < 8 ? -EINVAL : put_user(cpu_online_mask, mask) != 0 ? -EFAULT : 8;
}

SYSCALL_DEFINE4(reboot, u32, magic1, u32, magic2, u32, cmd, void __user*, arg) {
    (void)arg;
    if (magic1 != 0xfee1dead || magic2 != 672274793) {
        return -EINVAL;
    }
    switch (cmd) {
        case 0x01234567: machine_restart();
        case 0xcdef0123:
        case 0x4321fedc: debug_exit(0);
        case 0:
        case 0x89abcdef: return 0;  // Ctrl-Alt-Del on and off
        default: return -EINVAL;
    }
}

struct sysinfo {
    s64 uptime;
    u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    u16 procs, pad[3];
    u64 totalhigh, freehigh;
    u32 mem_unit;
};

SYSCALL_DEFINE1(sysinfo, struct sysinfo __user*, info) {
    const struct sysinfo value = {
        .uptime = (s64)(ktime_get_ns() / 1000000000ULL),
        .totalram = max_pfn * PAGE_SIZE,
        .freeram = nr_free_pages() * PAGE_SIZE,
        .procs = 1,
        .mem_unit = 1,
    };
    return put_user(value, info);
}

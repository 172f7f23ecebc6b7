// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/futex.h"
#include "kernel/panic.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace/events.h"
#include "mm/mm_types.h"
#include "mm/slab.h"

#define INIT_PID 1

static struct task_struct* find_init(void) {
    struct task_struct* p = find_task_by_pid(INIT_PID);
    return p != NULL ? p : &init_task;
}

static void release_task(struct task_struct* p) {
    list_del_init(&p->sibling);
    list_del_init(&p->tasks);
    p->exit_state = EXIT_DEAD;
}

// A parent that ignores SIGCHLD does not want to wait.
static bool do_notify_parent(struct task_struct* p) {
    struct task_struct* parent = p->real_parent;
    bool autoreap = false;
    if (p->exit_signal == SIGCHLD && parent->mm != NULL) {
        const struct sigaction* action = &parent->sighand->action[SIGCHLD - 1];
        autoreap = action->sa_handler == SIG_IGN || (action->sa_flags & SA_NOCLDWAIT);
    }
    if (p->exit_signal > 0 && parent->mm != NULL) {
        const struct kernel_siginfo info = {
            .si_signo = p->exit_signal,
            .si_code = p->exit_code & 0x7f ? 2 /* CLD_KILLED */ : 1 /* CLD_EXITED */,
            .si_pid = p->tgid,
            .si_status = p->exit_code & 0x7f ? p->exit_code & 0x7f : p->exit_code >> 8 & 0xff,
        };
        send_signal_locked(p->exit_signal, &info, parent, true);
    }
    __wake_up(&parent->wait_chldexit, TASK_NORMAL);
    return autoreap;
}

void do_notify_parent_cldstop(struct task_struct* p, int why) {
    struct task_struct* leader = p->group_leader;
    struct task_struct* parent = leader->real_parent;
    const struct kernel_siginfo info = {
        .si_signo = SIGCHLD,
        .si_code = why == SIGCONT ? 6 /* CLD_CONTINUED */ : 5 /* CLD_STOPPED */,
        .si_pid = leader->tgid,
        .si_status = why,
    };
    if (parent->mm != NULL && !(parent->sighand->action[SIGCHLD - 1].sa_flags & SA_NOCLDSTOP)) {
        send_signal_locked(SIGCHLD, &info, parent, true);
    }
    __wake_up(&parent->wait_chldexit, TASK_NORMAL);
}

static void forget_children(struct task_struct* p) {
    struct task_struct *child, *next, *reaper = find_init();
    list_for_each_entry_safe(child, next, &p->children, sibling) {
        list_del_init(&child->sibling);
        list_add_tail(&child->sibling, &reaper->children);
        child->real_parent = child->parent = reaper;
        child->exit_signal = SIGCHLD;  // init is not to be killed by a child's end
        if (child->exit_state == EXIT_ZOMBIE && child->signal->nr_threads == 0) {
            do_notify_parent(child);
        }
    }
}

// A process is a zombie once its last thread is gone; other threads just vanish. True: it vanishes.
static bool exit_notify(struct task_struct* p) {
    struct signal_struct* signal = p->signal;
    struct task_struct* leader = p->group_leader;
    bool reap = !thread_group_leader(p);
    spin_lock_irq(&tasklist_lock);
    flush_sigqueue(&p->pending);
    list_del_init(&p->thread_node);
    signal->utime += p->utime;
    signal->stime += p->stime;
    p->exit_state = EXIT_ZOMBIE;
    if (reap) {
        release_task(p);
    }
    bool last = --signal->nr_threads == 0;
    struct task_struct* gone = reap ? p : NULL;
    struct task_struct* gone_leader = NULL;
    if (last) {
        forget_children(leader);
        if (signal->flags & SIGNAL_GROUP_EXIT) {
            leader->exit_code = signal->group_exit_code;
        }
        flush_sigqueue(&signal->shared_pending);
        if (do_notify_parent(leader)) {
            release_task(leader);
            gone_leader = leader;
        }
    }
    spin_unlock_irq(&tasklist_lock);
    if (gone_leader != NULL && gone_leader != p) {
        put_task_struct(gone_leader);
    }
    return gone != NULL || gone_leader == p;
}

void do_exit(long code) {
    struct task_struct* p = current;
    if (p->tgid <= INIT_PID && p->signal->nr_threads <= 1) {
        panic("do_exit: attempted to kill %s, exitcode=%ld", p->pid == 0 ? "idle" : "init", code);
    }
    p->flags |= PF_EXITING;
    p->exit_code = (int)code;
    if (p->mm != NULL) {
        if (p->clear_child_tid != NULL && READ_ONCE(p->mm->mm_users) > 1) {
            put_user(0, p->clear_child_tid);
            do_futex_wake((unsigned long)p->clear_child_tid, 1, ~0u);
        }
        exec_mmap(NULL);
    }
    trace_sched_process_exit(p);
    mm_release(p);
    exit_files(p);
    exit_fs(p);
    preempt_disable();  // preempted now, it would be a zombie in the run queue
    if (exit_notify(p)) {
        put_task_struct(p);
    }
    do_task_dead();
}

void do_group_exit(int code) {
    struct signal_struct* signal = current->signal;
    spin_lock_irq(&tasklist_lock);
    if (signal->flags & SIGNAL_GROUP_EXIT) {
        code = signal->group_exit_code;
    } else if (signal->nr_threads > 1) {
        zap_other_threads(code);
    } else {
        signal->group_exit_code = code;
    }
    spin_unlock_irq(&tasklist_lock);
    do_exit(code);
}

SYSCALL_DEFINE1(exit, int, code) { do_exit((code & 0xff) << 8); }

SYSCALL_DEFINE1(exit_group, int, code) { do_group_exit((code & 0xff) << 8); }

#define WNOHANG 1
#define WUNTRACED 2
#define WCONTINUED 8

struct wait_opts {
    pid_t pid;
    int options;
    int stat;
    u64 utime, stime;
};

static bool eligible_pid(const struct wait_opts* wo, const struct task_struct* p) {
    return wo->pid == -1 || (wo->pid > 0 && p->pid == wo->pid) ||
           (wo->pid == 0 && p->signal->pgrp == current->signal->pgrp) ||
           (wo->pid < -1 && p->signal->pgrp == -wo->pid);
}

// Is there news of this child? A zombie is taken out of the tree and put in *dead.
static bool wait_consider_task(struct wait_opts* wo, struct task_struct* p,
                               struct task_struct** dead) {
    struct signal_struct* signal = p->signal;
    if (p->exit_state == EXIT_ZOMBIE && signal->nr_threads == 0) {
        release_task(p);
        wo->stat = p->exit_code;
        wo->utime = signal->utime + signal->cutime;
        wo->stime = signal->stime + signal->cstime;
        current->signal->cutime += signal->utime + signal->cutime;
        current->signal->cstime += signal->stime + signal->cstime;
        *dead = p;
        return true;
    }
    if ((wo->options & WUNTRACED) && (signal->flags & SIGNAL_STOP_REPORT)) {
        signal->flags &= ~SIGNAL_STOP_REPORT;
        wo->stat = signal->group_exit_code << 8 | 0x7f;
        return true;
    }
    if ((wo->options & WCONTINUED) && (signal->flags & SIGNAL_CONT_REPORT)) {
        signal->flags &= ~SIGNAL_CONT_REPORT;
        wo->stat = 0xffff;
        return true;
    }
    return false;
}

// The child may still be on its way out, on another CPU. Its stack and what else it has are free
// when we return: who counts pages after a wait counts right.
static void put_dead_task(struct task_struct* p) {
    while (READ_ONCE(p->usage) > 1) {
        cpu_relax();
    }
    put_task_struct(p);
}

// The pid of a child with news, 0, or -ECHILD.
static int wait_once(struct wait_opts* wo) {
    struct task_struct *t, *child, *next, *dead = NULL;
    int result = -ECHILD;
    spin_lock_irq(&tasklist_lock);
    list_for_each_entry(t, &current->signal->thread_head, thread_node) {
        list_for_each_entry_safe(child, next, &t->children, sibling) {
            if (!eligible_pid(wo, child)) {
                continue;
            }
            if (wait_consider_task(wo, child, &dead)) {
                result = child->pid;
                goto out;
            }
            result = 0;
        }
    }
out:
    spin_unlock_irq(&tasklist_lock);
    if (dead != NULL) {
        put_dead_task(dead);
    }
    return result;
}

static int do_wait(struct wait_opts* wo) {
    int result = 0;
    int error = wait_event_interruptible(current->group_leader->wait_chldexit,
                                         (result = wait_once(wo)) != 0 || (wo->options & WNOHANG));
    return error != 0 ? error : result;
}

int kernel_wait(pid_t pid, int* stat) {
    struct wait_opts wo = {.pid = pid};
    int result = do_wait(&wo);
    *stat = wo.stat;
    return result;
}

SYSCALL_DEFINE4(wait4, pid_t, upid, int __user*, stat_addr, int, options, struct rusage __user*,
                ru) {
    struct wait_opts wo = {.pid = upid, .options = options};
    int pid = do_wait(&wo);
    if (pid > 0 && ((stat_addr != NULL && put_user(wo.stat, stat_addr) != 0) ||
                    (ru != NULL && put_user(to_rusage(wo.utime, wo.stime), ru) != 0))) {
        return -EFAULT;
    }
    return pid;
}

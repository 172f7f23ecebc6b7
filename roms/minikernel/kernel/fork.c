// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/completion.h"
#include "kernel/itimer.h"
#include "kernel/panic.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/trace/events.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/mm_types.h"
#include "mm/slab.h"
#include "mm/stack.h"

extern char init_stack[];

/// Task 0: the boot CPU's first steps, and what runs when nothing else can.
struct task_struct init_task = {
    .stack = init_stack,
    .usage = 1,
    .flags = PF_IDLE | PF_KTHREAD,
    .on_rq = 1,
    .prio = DEFAULT_PRIO,
    .run_list = LIST_HEAD_INIT(init_task.run_list),
    .tasks = LIST_HEAD_INIT(init_task.tasks),
    .real_parent = &init_task,
    .parent = &init_task,
    .children = LIST_HEAD_INIT(init_task.children),
    .sibling = LIST_HEAD_INIT(init_task.sibling),
    .group_leader = &init_task,
    .wait_chldexit = {.head = LIST_HEAD_INIT(init_task.wait_chldexit.head)},
    .comm = "swapper/0",
    .files = &init_files,
    .fs = &init_fs,
    .signal = &init_signals,
    .sighand = &init_sighand,
    .thread_node = LIST_HEAD_INIT(init_task.thread_node),
    .pending = {.list = LIST_HEAD_INIT(init_task.pending.list)},
    .signalfd_wqh = {.head = LIST_HEAD_INIT(init_task.signalfd_wqh.head)},
};

spinlock_t tasklist_lock;
static struct kmem_cache* task_struct_cachep;
static pid_t last_pid;

void fork_init(void) {
    task_struct_cachep = kmem_cache_create("task_struct", sizeof(struct task_struct));
}

void put_task_stack(struct task_struct* p) {
    free_thread_stack(p->stack);
    p->stack = NULL;
}

static void put_signal(struct signal_struct* signal) {
    if (__atomic_sub_fetch(&signal->count, 1, __ATOMIC_ACQ_REL) == 0) {
        exit_itimers(signal);
        kfree(signal);
    }
}

static void put_sighand(struct sighand_struct* sighand) {
    if (__atomic_sub_fetch(&sighand->count, 1, __ATOMIC_ACQ_REL) == 0) {
        kfree(sighand);
    }
}

void put_task_struct(struct task_struct* p) {
    if (__atomic_sub_fetch(&p->usage, 1, __ATOMIC_ACQ_REL) == 0) {
        trace_sched_process_free(p);
        put_signal(p->signal);
        put_sighand(p->sighand);
        kmem_cache_free(task_struct_cachep, p);
    }
}

struct task_struct* find_task_by_pid(pid_t pid) {
    struct task_struct* p;
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (p->pid == pid) {
            return p;
        }
    }
    return NULL;
}

static bool pid_is_used(pid_t pid) {
    struct task_struct* p;
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (p->pid == pid || p->tgid == pid || p->signal->pgrp == pid ||
            p->signal->session == pid) {
            return true;
        }
    }
    return false;
}

#define PID_MAX 32768
#define RESERVED_PIDS 300

static pid_t alloc_pid(void) {
    do {
        last_pid = last_pid + 1 < PID_MAX ? last_pid + 1 : RESERVED_PIDS;
    } while (pid_is_used(last_pid));
    return last_pid;
}

struct task_struct* fork_idle(unsigned int cpu) {
    struct task_struct* idle = kmem_cache_alloc(task_struct_cachep, GFP_KERNEL);
    void* stack = alloc_thread_stack();
    if (idle == NULL || stack == NULL) {
        panic("fork_idle: no memory for CPU %u", cpu);
    }
    *idle = init_task;
    idle->stack = stack;
    INIT_LIST_HEAD(&idle->run_list);
    INIT_LIST_HEAD(&idle->tasks);
    INIT_LIST_HEAD(&idle->children);
    INIT_LIST_HEAD(&idle->sibling);
    INIT_LIST_HEAD(&idle->thread_node);
    INIT_LIST_HEAD(&idle->pending.list);
    init_waitqueue_head(&idle->wait_chldexit);
    init_waitqueue_head(&idle->signalfd_wqh);
    idle->group_leader = idle;
    snprintf(idle->comm, sizeof(idle->comm), "swapper/%u", cpu);
    return idle;
}

static struct signal_struct* copy_signal(u64 clone_flags) {
    struct signal_struct* old = current->signal;
    if (clone_flags & CLONE_THREAD) {
        __atomic_add_fetch(&old->count, 1, __ATOMIC_RELAXED);
        return old;
    }
    struct signal_struct* signal = kmalloc(sizeof(*signal), GFP_KERNEL | __GFP_ZERO);
    if (signal != NULL) {
        signal->count = 1;
        INIT_LIST_HEAD(&signal->thread_head);
        INIT_LIST_HEAD(&signal->shared_pending.list);
        signal->pgrp = old->pgrp;
        signal->session = old->session;
        signal->tty = old->tty;
        memcpy(signal->rlim, old->rlim, sizeof(signal->rlim));
    }
    return signal;
}

static struct sighand_struct* copy_sighand(u64 clone_flags) {
    struct sighand_struct* old = current->sighand;
    if (clone_flags & CLONE_SIGHAND) {
        __atomic_add_fetch(&old->count, 1, __ATOMIC_RELAXED);
        return old;
    }
    struct sighand_struct* sighand = kmalloc(sizeof(*sighand), GFP_KERNEL);
    if (sighand != NULL) {
        *sighand = *old;
        sighand->count = 1;
    }
    return sighand;
}

static int copy_mm(u64 clone_flags, struct task_struct* p) {
    if (current->mm == NULL) {
        return 0;
    }
    if (clone_flags & CLONE_VM) {
        mmget(current->mm);
        p->mm = current->mm;
    } else {
        p->mm = dup_mm(current->mm);
    }
    return p->mm == NULL ? -ENOMEM : 0;
}

static int copy_resources(u64 flags, struct task_struct* p) {
    p->stack = alloc_thread_stack();
    if (p->stack == NULL) {
        return -EAGAIN;
    }
    p->files = copy_files(flags & CLONE_FILES, current->files);
    p->fs = copy_fs_struct(flags & CLONE_FS, current->fs);
    p->signal = copy_signal(flags);
    p->sighand = copy_sighand(flags);
    if (p->files == NULL || p->fs == NULL || p->signal == NULL || p->sighand == NULL) {
        return -ENOMEM;
    }
    return copy_mm(flags, p);
}

// What copy_resources got before it failed.
static void free_resources(struct task_struct* p) {
    mmput(p->mm);
    if (p->sighand != NULL) {
        put_sighand(p->sighand);
    }
    if (p->signal != NULL) {
        put_signal(p->signal);
    }
    if (p->fs != NULL) {
        put_fs_struct(p->fs);
    }
    if (p->files != NULL) {
        exit_files(p);
    }
    if (p->stack != NULL) {
        free_thread_stack(p->stack);
    }
    kmem_cache_free(task_struct_cachep, p);
}

static void init_task_struct(struct task_struct* p, const struct kernel_clone_args* args) {
    // One for whoever waits for its exit, one for the CPU that runs it last.
    p->usage = 2;
    p->__state = TASK_UNINTERRUPTIBLE;
    p->prio = DEFAULT_PRIO;
    p->start_time = p->start_boottime = ktime_get_ns();
    INIT_LIST_HEAD(&p->run_list);
    INIT_LIST_HEAD(&p->children);
    INIT_LIST_HEAD(&p->thread_node);
    INIT_LIST_HEAD(&p->pending.list);
    init_waitqueue_head(&p->wait_chldexit);
    init_waitqueue_head(&p->signalfd_wqh);
    p->exit_signal = args->flags & CLONE_THREAD   ? -1
                     : args->flags & CLONE_PARENT ? current->group_leader->exit_signal
                                                  : args->exit_signal;
    if (args->fn != NULL) {
        p->flags = PF_KTHREAD;
        strscpy(p->comm, args->name, sizeof(p->comm));
        copy_thread_kernel(p, args->fn, args->fn_arg);
        return;
    }
    strscpy(p->comm, current->comm, sizeof(p->comm));
    p->flags = PF_FORKNOEXEC;
    p->blocked = current->blocked;
    if (!(args->flags & CLONE_VM) || (args->flags & CLONE_VFORK)) {
        p->sas_ss_sp = current->sas_ss_sp;
        p->sas_ss_size = current->sas_ss_size;
    }
    copy_thread_user(p, args->stack, args->tls, args->flags & CLONE_SETTLS);
}

static void join_tree(struct task_struct* p, u64 flags) {
    p->pid = alloc_pid();
    if (flags & CLONE_THREAD) {
        p->tgid = current->tgid;
        p->group_leader = current->group_leader;
        p->real_parent = current->group_leader->real_parent;
    } else {
        p->tgid = p->pid;
        p->group_leader = p;
        p->real_parent = flags & CLONE_PARENT ? current->group_leader->real_parent
                                              : current->group_leader;
        list_add_tail(&p->sibling, &p->real_parent->children);
    }
    p->parent = p->real_parent;
    list_add_tail(&p->thread_node, &p->signal->thread_head);
    p->signal->nr_threads++;
    list_add_tail(&p->tasks, &init_task.tasks);
}

static struct task_struct* copy_process(const struct kernel_clone_args* args) {
    u64 flags = args->flags;
    if (((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) ||
        ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))) {
        return ERR_PTR(-EINVAL);
    }
    struct task_struct* p = kmem_cache_alloc(task_struct_cachep, GFP_KERNEL | __GFP_ZERO);
    if (p == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    INIT_LIST_HEAD(&p->sibling);
    int error = copy_resources(flags, p);
    if (error != 0) {
        free_resources(p);
        return ERR_PTR(error);
    }
    init_task_struct(p, args);
    spin_lock_irq(&tasklist_lock);
    if (fatal_signal_pending(current)) {  // nobody escapes by forking
        spin_unlock_irq(&tasklist_lock);
        free_resources(p);
        return ERR_PTR(-EAGAIN);
    }
    join_tree(p, flags);
    spin_unlock_irq(&tasklist_lock);
    return p;
}

void mm_release(struct task_struct* p) {
    struct completion* vfork = p->vfork_done;
    if (vfork != NULL) {
        p->vfork_done = NULL;
        complete(vfork);
    }
}

pid_t kernel_clone(struct kernel_clone_args* args) {
    struct task_struct* p = copy_process(args);
    if (IS_ERR(p)) {
        return (pid_t)PTR_ERR(p);
    }
    trace_sched_process_fork(current, p);
    pid_t pid = p->pid;  // once awake it may be gone before we look again
    struct completion vfork = COMPLETION_INITIALIZER(vfork);
    if (args->flags & CLONE_VFORK) {
        p->vfork_done = &vfork;
    }
    if (args->flags & CLONE_PARENT_SETTID) {
        put_user(pid, args->parent_tid);
    }
    if (args->flags & CLONE_CHILD_SETTID) {
        p->set_child_tid = args->child_tid;
    }
    if (args->flags & CLONE_CHILD_CLEARTID) {
        p->clear_child_tid = args->child_tid;
    }
    wake_up_new_task(p);
    if (args->flags & CLONE_VFORK) {
        // Not even a signal may let us run in memory that the child still uses.
        wait_for_completion(&vfork);
    }
    return pid;
}

pid_t kernel_thread(int (*fn)(void*), void* arg, const char* name, unsigned long flags) {
    struct kernel_clone_args args = {
        .flags = flags, .exit_signal = SIGCHLD, .name = name, .fn = fn, .fn_arg = arg};
    return kernel_clone(&args);
}

SYSCALL_DEFINE0(fork) {
    struct kernel_clone_args args = {.exit_signal = SIGCHLD};
    return kernel_clone(&args);
}

SYSCALL_DEFINE0(vfork) {
    struct kernel_clone_args args = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};
    return kernel_clone(&args);
}

SYSCALL_DEFINE5(clone, unsigned long, clone_flags, unsigned long, newsp, int __user*, parent_tid,
                int __user*, child_tid, unsigned long, tls) {
    struct kernel_clone_args args = {
        .flags = clone_flags & ~CSIGNAL,
        .exit_signal = (int)(clone_flags & CSIGNAL),
        .stack = newsp,
        .tls = tls,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
    };
    if (args.exit_signal > _NSIG || ((clone_flags & CLONE_SETTLS) && tls >= TASK_SIZE)) {
        return -EINVAL;
    }
    return kernel_clone(&args);
}

struct clone_args {
    u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

#define CLONE_KNOWN                                                                             \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT |           \
     CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | \
     CLONE_CHILD_SETTID)

SYSCALL_DEFINE2(clone3, const struct clone_args __user*, uargs, size_t, size) {
    struct clone_args a;
    if (size < sizeof(a)) {
        return -EINVAL;
    }
    if (get_user(a, uargs) != 0) {
        return -EFAULT;
    }
    if ((a.flags & ~CLONE_KNOWN) || a.exit_signal > _NSIG ||
        (a.stack == 0) != (a.stack_size == 0) || a.stack > TASK_SIZE ||
        a.stack_size > TASK_SIZE - a.stack || ((a.flags & CLONE_SETTLS) && a.tls >= TASK_SIZE) ||
        ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal != 0)) {
        return -EINVAL;
    }
    struct kernel_clone_args args = {
        .flags = a.flags,
        .exit_signal = (int)a.exit_signal,
        .stack = a.stack + a.stack_size,
        .tls = a.tls,
        .parent_tid = (int __user*)a.parent_tid,
        .child_tid = (int __user*)a.child_tid,
    };
    return kernel_clone(&args);
}

SYSCALL_DEFINE1(set_tid_address, int __user*, tidptr) {
    current->clear_child_tid = tidptr;
    return current->pid;
}

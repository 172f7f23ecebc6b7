// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/sched.h"

#define CSIGNAL 0x000000ffUL
#define CLONE_VM 0x00000100UL
#define CLONE_FS 0x00000200UL
#define CLONE_FILES 0x00000400UL
#define CLONE_SIGHAND 0x00000800UL
#define CLONE_VFORK 0x00004000UL
#define CLONE_PARENT 0x00008000UL
#define CLONE_THREAD 0x00010000UL
#define CLONE_SYSVSEM 0x00040000UL
#define CLONE_SETTLS 0x00080000UL
#define CLONE_PARENT_SETTID 0x00100000UL
#define CLONE_CHILD_CLEARTID 0x00200000UL
#define CLONE_CHILD_SETTID 0x01000000UL

struct kernel_clone_args {
    u64 flags;
    int exit_signal;
    unsigned long stack, tls;
    int __user* parent_tid;
    int __user* child_tid;
    const char* name;  // of a kernel thread; it runs fn(fn_arg)
    int (*fn)(void*);
    void* fn_arg;
};

/// Starts a task: a kernel thread, or with `fn` NULL a copy of the current program. Its pid, or a
/// negative errno.
pid_t kernel_clone(struct kernel_clone_args* args);
/// Starts a task that runs fn(arg) and exits with what that returns.
pid_t kernel_thread(int (*fn)(void*), void* arg, const char* name, unsigned long flags);
/// Ends the current task; its parent gets `code` from kernel_wait.
void do_exit(long code) __noreturn;
/// Ends all threads of the current process.
void do_group_exit(int code) __noreturn;
/// Waits until child `pid` (-1: any) has exited and takes its exit code. Its pid, or -ECHILD.
int kernel_wait(pid_t pid, int* stat);

void put_task_stack(struct task_struct* p);
/// Holds `p`; with tasklist_lock held.
static inline void get_task_struct(struct task_struct* p) {
    __atomic_add_fetch(&p->usage, 1, __ATOMIC_RELAXED);
}
void put_task_struct(struct task_struct* p);
/// What another CPU runs when there is nothing else. Panics when there is no memory.
struct task_struct* fork_idle(unsigned int cpu);
void fork_init(void);
/// With tasklist_lock held.
struct task_struct* find_task_by_pid(pid_t pid);
/// Whoever waits for a vfork of this task may go on: it has other memory now.
void mm_release(struct task_struct* p);
pid_t task_ppid(const struct task_struct* p);

/// Runs the program `filename` instead of the current one. `argv` and `envp` are the kernel's.
int kernel_execve(const char* filename, const char* const* argv, const char* const* envp);

/// Guards the tree of tasks, and signals. Interrupts take it, too.
extern spinlock_t tasklist_lock;

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/sched.h"

#define CLONE_FILES 0x00000400

struct kernel_clone_args {
    u64 flags;
    const char* name;
    int (*fn)(void*);
    void* fn_arg;
};

/// Starts a task that runs fn(fn_arg) and exits with what that returns. Its pid, or -ENOMEM.
pid_t kernel_clone(struct kernel_clone_args* args);
pid_t kernel_thread(int (*fn)(void*), void* arg, const char* name, unsigned long flags);
/// Ends the current task; its parent gets `code` from kernel_wait.
void do_exit(long code) __noreturn;
/// Waits until child `pid` (-1: any) has exited and takes its exit code. Its pid, or -ECHILD.
int kernel_wait(pid_t pid, int* stat);

void put_task_stack(struct task_struct* p);
void put_task_struct(struct task_struct* p);
void fork_init(void);

/// Guards the tree of tasks.
extern spinlock_t tasklist_lock;

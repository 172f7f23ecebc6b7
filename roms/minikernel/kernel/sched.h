// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/percpu.h"
#include "kernel/preempt.h"
#include "kernel/spinlock.h"
#include "kernel/wait.h"
#include "lib/list.h"

#define TASK_RUNNING 0x0000
#define TASK_INTERRUPTIBLE 0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_DEAD 0x0080
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define EXIT_ZOMBIE 0x0020
#define EXIT_DEAD 0x0010

#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000

#define TIF_NEED_RESCHED 3

#define TASK_COMM_LEN 16

struct files_struct;

struct thread_info {
    unsigned long flags;  // TIF_*
};

struct thread_struct {
    unsigned long sp;
};

struct task_struct {
    struct thread_info thread_info;
    struct thread_struct thread;
    unsigned int __state;
    void* stack;
    int usage;
    unsigned int flags;  // PF_*
    int on_rq;           // running, or waiting in run_list
    unsigned int time_slice;
    struct list_head run_list;
    struct list_head tasks;  // all tasks, behind init_task
    int exit_state;
    int exit_code;
    pid_t pid;
    pid_t tgid;
    struct task_struct* real_parent;
    struct task_struct* parent;
    struct list_head children;
    struct list_head sibling;
    struct task_struct* group_leader;
    struct wait_queue_head wait_chldexit;
    u64 utime;
    u64 stime;
    unsigned long nvcsw;   // switches because it had to wait
    unsigned long nivcsw;  // switches because its time was up
    u64 start_time;
    u64 start_boottime;
    char comm[TASK_COMM_LEN];
    struct files_struct* files;
};

struct rq {
    spinlock_t lock;
    unsigned int nr_running;
    u64 nr_switches;
    struct list_head queue;
    struct task_struct* curr;
    struct task_struct* idle;
};

DECLARE_PER_CPU(struct rq, runqueues);
DECLARE_PER_CPU(struct task_struct*, current_task);
#define current this_cpu_read(current_task)

extern struct task_struct init_task;

void sched_init(void);
/// Gives the CPU to the next task; comes back when this one is picked again.
void schedule(void);
/// The last switch of a task, with preemption off; its stack and its half of the task_struct are
/// freed behind it.
void do_task_dead(void) __attribute__((noreturn));
/// On the way out of an interrupt: switches although the task did not ask to.
void preempt_schedule_irq(void);
/// Makes `p` runnable when its state is one of `state`. True when it was.
int try_to_wake_up(struct task_struct* p, unsigned int state, int wake_flags);
int wake_up_process(struct task_struct* p);
void wake_up_new_task(struct task_struct* p);
/// Called by the timer tick.
void scheduler_tick(void);
/// A new task's first call: finishes the switch to it.
void schedule_tail(struct task_struct* prev);
/// The idle task's whole life.
void cpu_startup_entry(void) __noreturn;

/// Sleeps for `timeout` ticks in the state that the caller has set.
long schedule_timeout(long timeout);
void msleep(unsigned int msecs);

static inline bool need_resched(void) {
    return current->thread_info.flags & (1UL << TIF_NEED_RESCHED);
}

static inline void set_tsk_need_resched(struct task_struct* p) {
    __atomic_fetch_or(&p->thread_info.flags, 1UL << TIF_NEED_RESCHED, __ATOMIC_RELAXED);
}

static inline void clear_tsk_need_resched(struct task_struct* p) {
    __atomic_fetch_and(&p->thread_info.flags, ~(1UL << TIF_NEED_RESCHED), __ATOMIC_RELAXED);
}

/// Must come before the test of what is waited for, or a wake-up in between would be lost.
static inline void set_current_state(unsigned int state) {
    __atomic_store_n(&current->__state, state, __ATOMIC_SEQ_CST);
}

// arch/process.c
void copy_thread(struct task_struct* p, int (*fn)(void*), void* arg);
struct task_struct* __switch_to_asm(struct task_struct* prev, struct task_struct* next);
void arch_cpu_idle(void);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/percpu.h"
#include "kernel/preempt.h"
#include "kernel/signal.h"
#include "kernel/spinlock.h"
#include "kernel/wait.h"
#include "lib/list.h"

#define TASK_RUNNING 0x0000
#define TASK_INTERRUPTIBLE 0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define __TASK_STOPPED 0x0004
#define TASK_DEAD 0x0080
#define TASK_WAKEKILL 0x0100
#define TASK_STOPPED (TASK_WAKEKILL | __TASK_STOPPED)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define EXIT_ZOMBIE 0x0020
#define EXIT_DEAD 0x0010

#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define PF_FORKNOEXEC 0x00000040
#define PF_KTHREAD 0x00200000

#define TIF_SIGPENDING 2
#define TIF_NEED_RESCHED 3

#define DEFAULT_PRIO 120

#define TASK_COMM_LEN 16

/// Where a CPU's time went, in nanoseconds.
struct kernel_cpustat {
    u64 user, system, idle;
};

struct files_struct;
struct fs_struct;
struct mm_struct;
struct completion;

struct thread_info {
    unsigned long flags;         // TIF_*
    unsigned long syscall_work;  // not used
    u32 status;                  // not used
    u32 cpu;                     // that runs it, or ran it last
};

struct thread_struct {
    unsigned long sp;
    unsigned long fsbase, gsbase;
};

/// What FXSAVE stores: x87 and SSE state.
struct fpu {
    u8 fxsave[512];
} __aligned(16);

struct task_struct {
    struct thread_info thread_info;
    struct thread_struct thread;
    unsigned int __state;
    void* stack;
    int usage;
    unsigned int flags;  // PF_*
    int on_cpu;          // running
    int on_rq;           // running, or waiting in run_list
    int prio;            // all the same: 120
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
    struct fs_struct* fs;
    struct mm_struct* mm;  // NULL: a kernel thread
    struct signal_struct* signal;
    struct sighand_struct* sighand;
    sigset_t blocked;
    sigset_t saved_sigmask;  // of a call that waits with another mask
    bool restore_sigmask;
    struct sigpending pending;
    unsigned long sas_ss_sp, sas_ss_size;
    struct wait_queue_head signalfd_wqh;  // for a blocked signal
    int exit_signal;
    struct list_head thread_node;  // in signal->thread_head
    int __user* set_child_tid;
    int __user* clear_child_tid;
    struct completion* vfork_done;
    u64 restart_time;  // of a sleep that a signal interrupted
    struct fpu fpu;
};

/// What a CPU does; the tasks that wait are in one queue for all CPUs.
struct rq {
    u64 nr_switches;
    struct task_struct* curr;
    struct task_struct* idle;
    struct kernel_cpustat cpustat;
};

DECLARE_PER_CPU(struct rq, runqueues);
DECLARE_PER_CPU(struct task_struct*, current_task);
#define current this_cpu_read(current_task)

extern struct task_struct init_task;

void sched_init(void);
/// `idle` is what `cpu` runs when there is nothing else; before that CPU's first instruction.
void init_idle(struct task_struct* idle, unsigned int cpu);
bool idle_cpu(unsigned int cpu);
u64 nr_context_switches(void);
/// If `p` runs on another CPU, that one looks for signals now.
void kick_process(struct task_struct* p);
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
#define MAX_SCHEDULE_TIMEOUT 0x7fffffffffffffffL
long schedule_timeout(long timeout);
void msleep(unsigned int msecs);

static inline bool signal_pending(const struct task_struct* p) {
    return READ_ONCE(p->thread_info.flags) & (1UL << TIF_SIGPENDING);
}

/// Must it die? Then it should not wait for anything any more.
bool fatal_signal_pending(const struct task_struct* p);

static inline bool thread_group_leader(const struct task_struct* p) { return p->pid == p->tgid; }

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
/// A new task that starts in the kernel, with fn(arg).
void copy_thread_kernel(struct task_struct* p, int (*fn)(void*), void* arg);
/// A new task that returns from the current one's system call, with 0; `sp` and `tls` as for clone.
void copy_thread_user(struct task_struct* p, unsigned long sp, unsigned long tls, bool set_tls);
struct pt_regs* task_pt_regs(struct task_struct* p);
/// A new program's registers.
void start_thread(struct pt_regs* regs, unsigned long ip, unsigned long sp);
struct task_struct* __switch_to_asm(struct task_struct* prev, struct task_struct* next);
void arch_cpu_idle(void);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"
#include "kernel/spinlock.h"
#include "lib/list.h"

struct task_struct;
struct tty_struct;

enum {
    SIGHUP = 1,
    SIGINT,
    SIGQUIT,
    SIGILL,
    SIGTRAP,
    SIGABRT,
    SIGBUS,
    SIGFPE,
    SIGKILL,
    SIGUSR1,
    SIGSEGV,
    SIGUSR2,
    SIGPIPE,
    SIGALRM,
    SIGTERM,
    SIGSTKFLT,
    SIGCHLD,
    SIGCONT,
    SIGSTOP,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGURG,
    SIGXCPU,
    SIGXFSZ,
    SIGVTALRM,
    SIGPROF,
    SIGWINCH,
    SIGIO,
    SIGPWR,
    SIGSYS,
};
#define _NSIG 64

typedef u64 sigset_t;
#define sigmask(sig) (1ULL << ((sig) - 1))

#define SA_NOCLDSTOP 0x00000001UL
#define SA_NOCLDWAIT 0x00000002UL
#define SA_SIGINFO 0x00000004UL
#define SA_RESTORER 0x04000000UL
#define SA_ONSTACK 0x08000000UL
#define SA_RESTART 0x10000000UL
#define SA_NODEFER 0x40000000UL
#define SA_RESETHAND 0x80000000UL
#define SIG_DFL 0UL
#define SIG_IGN 1UL

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_TKILL (-6)

struct sigaction {
    unsigned long sa_handler;
    unsigned long sa_flags;
    unsigned long sa_restorer;
    sigset_t sa_mask;
};

/// Linux's siginfo, 128 bytes in user space; the rest is zero.
struct kernel_siginfo {
    int si_signo, si_errno, si_code, pad;
    union {
        struct {
            pid_t si_pid;
            u32 si_uid;
            int si_status;
        };
        unsigned long si_addr;
    };
    u64 pad2[2];
};

struct sigqueue {
    struct list_head list;
    struct kernel_siginfo info;
};

struct sigpending {
    struct list_head list;
    sigset_t signal;
};

/// What a process does on each signal; shared by its threads.
struct sighand_struct {
    int count;
    struct sigaction action[_NSIG];
};

#define SIGNAL_STOP_STOPPED 0x1u
#define SIGNAL_STOP_REPORT 0x2u  // a stop nobody has waited for
#define SIGNAL_CONT_REPORT 0x4u
#define SIGNAL_GROUP_EXIT 0x8u
#define SIGNAL_DID_EXEC 0x10u

struct rlimit64 {
    u64 rlim_cur, rlim_max;
};
#define RLIM_INFINITY (~0ULL)
#define RLIM_NLIMITS 16
#define RLIMIT_STACK 3
#define RLIMIT_NOFILE 7

/// What the threads of a process have in common.
struct signal_struct {
    int count;       // task_structs that point here
    int nr_threads;  // those that still run
    struct list_head thread_head;
    struct sigpending shared_pending;
    unsigned int flags;
    int group_exit_code;
    int stop_signal;
    pid_t pgrp, session;
    struct tty_struct* tty;
    u64 utime, stime, cutime, cstime;
    struct itimer* itimer;  // NULL: never set
    struct rlimit64 rlim[RLIM_NLIMITS];
};

extern struct signal_struct init_signals;
extern struct sighand_struct init_sighand;

#define SIG_KERNEL_IGNORE \
    (sigmask(SIGCHLD) | sigmask(SIGURG) | sigmask(SIGWINCH) | sigmask(SIGCONT))
#define SIG_KERNEL_STOP (sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_UNBLOCKABLE (sigmask(SIGKILL) | sigmask(SIGSTOP))

/// A signal from the kernel to a thread, or to a whole process.
int send_sig(int sig, struct task_struct* p);
int send_sig_info(int sig, const struct kernel_siginfo* info, struct task_struct* p, bool group);
/// With tasklist_lock held.
int send_signal_locked(int sig, const struct kernel_siginfo* info, struct task_struct* p,
                       bool group);
/// A signal that the current task caused by what it did at `addr`; it cannot be ignored.
void force_sig_fault(int sig, int code, unsigned long addr);
void force_sig(int sig);
/// To all processes of a process group. 0, or -ESRCH.
int kill_pgrp(pid_t pgrp, int sig);
void recalc_sigpending(void);
/// The first signal of `set` that is pending, taken out; 0 when there is none. With tasklist_lock
/// held.
int dequeue_signal(sigset_t set, struct kernel_siginfo* info);
/// No thread of the process has these signals any more. With tasklist_lock held.
void drop_from_all(struct task_struct* p, sigset_t mask);
void flush_sigqueue(struct sigpending* queue);
void flush_signal_handlers(struct sighand_struct* sighand);
int set_current_blocked(sigset_t set);
/// For a system call that waits with another mask, `mask` in user space (NULL: with the same): 0,
/// or an error. The old one comes back at once, or behind the handlers when a signal ended the
/// wait.
int set_user_sigmask(const sigset_t __user* mask, size_t size);
void restore_user_sigmask(const sigset_t __user* mask, bool interrupted);
/// Is the signal of no effect on `p` whatever its handler?
bool sig_ignored(const struct task_struct* p, int sig);

struct ksignal {
    struct sigaction ka;
    struct kernel_siginfo info;
    int sig;
};
/// The next signal that has a handler; does what the others ask for. False: none.
bool get_signal(struct ksignal* ksig);
/// On the way to user mode: runs handlers (arch/signal.c).
void arch_do_signal_or_restart(struct pt_regs* regs);
/// With tasklist_lock held: all threads of this process are to exit.
void zap_other_threads(int exit_code);
int copy_siginfo_to_user(void __user* to, const struct kernel_siginfo* info);
/// With tasklist_lock held.
void do_notify_parent_cldstop(struct task_struct* p, int why);

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/signal.h"

#include "fs/file.h"
#include "kernel/task.h"
#include "kernel/trace/events.h"
#include "lib/string.h"
#include "mm/slab.h"

// Sending signals and deciding what they do. tasklist_lock guards everything here.

#define INIT_PID 1

#define UNLIMITED {RLIM_INFINITY, RLIM_INFINITY}

struct signal_struct init_signals = {
    .count = 1,
    .nr_threads = 1,
    .thread_head = LIST_HEAD_INIT(init_signals.thread_head),
    .shared_pending = {.list = LIST_HEAD_INIT(init_signals.shared_pending.list)},
    .rlim = {[0 ... RLIMIT_STACK - 1] = UNLIMITED,
             [RLIMIT_STACK] = {8UL << 20, RLIM_INFINITY},
             [RLIMIT_STACK + 1 ... RLIMIT_NOFILE - 1] = UNLIMITED,
             [RLIMIT_NOFILE] = {NR_OPEN_DEFAULT, NR_OPEN_DEFAULT},
             [RLIMIT_NOFILE + 1 ... RLIM_NLIMITS - 1] = UNLIMITED},
};
struct sighand_struct init_sighand = {.count = 1};

bool sig_ignored(const struct task_struct* p, int sig) {
    unsigned long handler = p->sighand->action[sig - 1].sa_handler;
    if (p->blocked & sigmask(sig)) {
        return false;
    }
    // What would kill init, and init does not expect, never gets there.
    if (p->tgid == INIT_PID && handler == SIG_DFL) {
        return true;
    }
    return handler == SIG_IGN || (handler == SIG_DFL && (sigmask(sig) & SIG_KERNEL_IGNORE));
}

void recalc_sigpending(void) {
    struct task_struct* p = current;
    sigset_t ready = (p->pending.signal | p->signal->shared_pending.signal) & ~p->blocked;
    bool pending = ready != 0 || (p->signal->flags & SIGNAL_GROUP_EXIT) ||
                   p->signal->stop_signal != 0;
    if (pending) {
        __atomic_fetch_or(&p->thread_info.flags, 1UL << TIF_SIGPENDING, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(&p->thread_info.flags, ~(1UL << TIF_SIGPENDING), __ATOMIC_RELAXED);
    }
}

bool fatal_signal_pending(const struct task_struct* p) {
    sigset_t pending = READ_ONCE(p->pending.signal) | READ_ONCE(p->signal->shared_pending.signal);
    return (pending & sigmask(SIGKILL)) || (READ_ONCE(p->signal->flags) & SIGNAL_GROUP_EXIT);
}

static void signal_wake_up(struct task_struct* p, bool fatal) {
    __atomic_fetch_or(&p->thread_info.flags, 1UL << TIF_SIGPENDING, __ATOMIC_RELAXED);
    if (!try_to_wake_up(p, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL : 0), 0)) {
        kick_process(p);
    }
}

void flush_sigqueue(struct sigpending* queue) {
    struct sigqueue *q, *next;
    list_for_each_entry_safe(q, next, &queue->list, list) {
        list_del_init(&q->list);
        kfree(q);
    }
    queue->signal = 0;
}

static void drop_from(struct sigpending* queue, sigset_t mask) {
    struct sigqueue *q, *next;
    queue->signal &= ~mask;
    list_for_each_entry_safe(q, next, &queue->list, list) {
        if (mask & sigmask(q->info.si_signo)) {
            list_del_init(&q->list);
            kfree(q);
        }
    }
}

void drop_from_all(struct task_struct* p, sigset_t mask) {
    struct task_struct* t;
    drop_from(&p->signal->shared_pending, mask);
    list_for_each_entry(t, &p->signal->thread_head, thread_node) { drop_from(&t->pending, mask); }
}

static void wake_threads(struct signal_struct* signal, bool fatal) {
    struct task_struct* t;
    list_for_each_entry(t, &signal->thread_head, thread_node) { signal_wake_up(t, fatal); }
}

// Stop and continue take each other's signals away, and continuing works whatever the handler.
static void prepare_signal(int sig, struct task_struct* p) {
    struct signal_struct* signal = p->signal;
    if (sigmask(sig) & SIG_KERNEL_STOP) {
        drop_from_all(p, sigmask(SIGCONT));
    } else if (sig == SIGCONT) {
        drop_from_all(p, SIG_KERNEL_STOP);
        bool stopped = signal->flags & SIGNAL_STOP_STOPPED;
        signal->stop_signal = 0;
        signal->flags &= ~(SIGNAL_STOP_STOPPED | SIGNAL_STOP_REPORT);
        struct task_struct* t;
        list_for_each_entry(t, &signal->thread_head, thread_node) {
            try_to_wake_up(t, __TASK_STOPPED, 0);
        }
        if (stopped) {
            signal->flags |= SIGNAL_CONT_REPORT;
            do_notify_parent_cldstop(p, SIGCONT);
        }
    }
}

static struct task_struct* wants_signal(struct task_struct* p, int sig) {
    struct task_struct* t;
    if (!(p->blocked & sigmask(sig)) && !(p->flags & PF_EXITING)) {
        return p;
    }
    list_for_each_entry(t, &p->signal->thread_head, thread_node) {
        if (!(t->blocked & sigmask(sig)) && !(t->flags & PF_EXITING)) {
            return t;
        }
    }
    return NULL;
}

int send_signal_locked(int sig, const struct kernel_siginfo* info, struct task_struct* p,
                       bool group) {
    if (p->flags & PF_KTHREAD || p->exit_state != 0) {
        return 0;
    }
    prepare_signal(sig, p);
    if (sig_ignored(p, sig)) {
        return 0;
    }
    trace_signal_generate(sig, info, p, group, 0);
    struct sigpending* queue = group ? &p->signal->shared_pending : &p->pending;
    if (!(queue->signal & sigmask(sig))) {
        struct sigqueue* q = kmalloc(sizeof(*q), GFP_KERNEL);
        if (q != NULL) {
            q->info = *info;
            list_add_tail(&q->list, &queue->list);
        }
        queue->signal |= sigmask(sig);
    }
    struct task_struct* t = group ? wants_signal(p, sig) : p;
    if (sig == SIGKILL) {
        wake_threads(p->signal, true);
    } else if (t != NULL && !(t->blocked & sigmask(sig))) {
        signal_wake_up(t, false);
    } else {
        __wake_up(&p->signalfd_wqh, TASK_INTERRUPTIBLE);
    }
    return 0;
}

int send_sig_info(int sig, const struct kernel_siginfo* info, struct task_struct* p, bool group) {
    unsigned long flags = spin_lock_irqsave(&tasklist_lock);
    int error = send_signal_locked(sig, info, p, group);
    spin_unlock_irqrestore(&tasklist_lock, flags);
    return error;
}

int send_sig(int sig, struct task_struct* p) {
    const struct kernel_siginfo info = {.si_signo = sig, .si_code = SI_KERNEL};
    return send_sig_info(sig, &info, p, false);
}

static void force_sig_info(int sig, const struct kernel_siginfo* info) {
    spin_lock_irq(&tasklist_lock);
    struct sigaction* action = &current->sighand->action[sig - 1];
    if (action->sa_handler == SIG_IGN || (current->blocked & sigmask(sig)) ||
        current->tgid == INIT_PID) {
        if (action->sa_handler == SIG_IGN || (current->blocked & sigmask(sig))) {
            action->sa_handler = SIG_DFL;
        }
        current->blocked &= ~sigmask(sig);
        if (current->tgid == INIT_PID && action->sa_handler == SIG_DFL) {
            spin_unlock_irq(&tasklist_lock);
            do_group_exit(sig);
        }
    }
    send_signal_locked(sig, info, current, false);
    recalc_sigpending();
    spin_unlock_irq(&tasklist_lock);
}

void force_sig_fault(int sig, int code, unsigned long addr) {
    const struct kernel_siginfo info = {.si_signo = sig, .si_code = code, .si_addr = addr};
    force_sig_info(sig, &info);
}

void force_sig(int sig) { force_sig_fault(sig, SI_KERNEL, 0); }

int dequeue_signal(sigset_t set, struct kernel_siginfo* info) {
    struct sigpending* queues[] = {&current->pending, &current->signal->shared_pending};
    for (unsigned int i = 0; i < 2; i++) {
        sigset_t ready = queues[i]->signal & set;
        if (ready == 0) {
            continue;
        }
        int sig = ready & sigmask(SIGKILL) ? SIGKILL : __builtin_ctzll(ready) + 1;
        *info = (struct kernel_siginfo){.si_signo = sig, .si_code = SI_USER};
        struct sigqueue* q;
        list_for_each_entry(q, &queues[i]->list, list) {
            if (q->info.si_signo == sig) {
                *info = q->info;
                break;
            }
        }
        drop_from(queues[i], sigmask(sig));
        return sig;
    }
    return 0;
}

// With tasklist_lock held, which is given up while we sleep.
static void do_signal_stop(int sig) {
    struct signal_struct* signal = current->signal;
    if (signal->stop_signal == 0) {
        signal->stop_signal = sig;
        signal->flags |= SIGNAL_STOP_STOPPED | SIGNAL_STOP_REPORT;
        signal->group_exit_code = sig;
        wake_threads(signal, false);
        do_notify_parent_cldstop(current, sig);
    }
    set_current_state(TASK_STOPPED);
    spin_unlock_irq(&tasklist_lock);
    schedule();
    spin_lock_irq(&tasklist_lock);
}

bool get_signal(struct ksignal* ksig) {
    spin_lock_irq(&tasklist_lock);
    for (;;) {
        struct signal_struct* signal = current->signal;
        if (signal->flags & SIGNAL_GROUP_EXIT) {
            spin_unlock_irq(&tasklist_lock);
            do_exit(signal->group_exit_code);
        }
        if (signal->stop_signal != 0 && !(current->pending.signal & sigmask(SIGKILL)) &&
            !(signal->shared_pending.signal & sigmask(SIGKILL))) {
            do_signal_stop(signal->stop_signal);
            continue;
        }
        int sig = dequeue_signal(~current->blocked, &ksig->info);
        if (sig == 0) {
            break;
        }
        struct sigaction* action = &current->sighand->action[sig - 1];
        trace_signal_deliver(sig, &ksig->info, action);
        if (action->sa_handler == SIG_IGN) {
            continue;
        }
        if (action->sa_handler != SIG_DFL) {
            ksig->ka = *action;
            ksig->sig = sig;
            if (action->sa_flags & SA_RESETHAND) {
                action->sa_handler = SIG_DFL;
            }
            recalc_sigpending();
            spin_unlock_irq(&tasklist_lock);
            return true;
        }
        if ((sigmask(sig) & SIG_KERNEL_IGNORE) || current->tgid == INIT_PID) {
            continue;
        }
        if (sigmask(sig) & SIG_KERNEL_STOP) {
            do_signal_stop(sig);
            continue;
        }
        spin_unlock_irq(&tasklist_lock);
        do_group_exit(sig);
    }
    recalc_sigpending();
    spin_unlock_irq(&tasklist_lock);
    return false;
}

void zap_other_threads(int exit_code) {
    current->signal->flags |= SIGNAL_GROUP_EXIT;
    current->signal->group_exit_code = exit_code;
    current->signal->stop_signal = 0;
    wake_threads(current->signal, true);
}

void flush_signal_handlers(struct sighand_struct* sighand) {
    for (int i = 0; i < _NSIG; i++) {
        unsigned long handler = sighand->action[i].sa_handler;
        sighand->action[i] = (struct sigaction){.sa_handler = handler == SIG_IGN ? SIG_IGN
                                                                                 : SIG_DFL};
    }
}

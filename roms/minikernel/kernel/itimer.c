// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/itimer.h"

#include "fs/fs.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "mm/slab.h"

// The alarm clock of a process: SIGALRM once, or again and again.

#define ITIMER_REAL 0
#define USEC_PER_SEC 1000000LL

struct itimer {
    struct timer_list timer;
    unsigned long interval;  // in ticks; 0: once
    pid_t tgid;
};

struct itimerval {
    s64 interval_sec, interval_usec, value_sec, value_usec;
};

// In the timer's interrupt.
static void it_real_fn(struct timer_list* timer) {
    struct itimer* it = container_of(timer, struct itimer, timer);
    const struct kernel_siginfo info = {.si_signo = SIGALRM, .si_code = SI_KERNEL};
    unsigned long flags = spin_lock_irqsave(&tasklist_lock);
    struct task_struct* p = find_task_by_pid(it->tgid);
    if (p != NULL) {
        send_signal_locked(SIGALRM, &info, p, true);
    }
    spin_unlock_irqrestore(&tasklist_lock, flags);
    unsigned long interval = READ_ONCE(it->interval);
    if (interval != 0) {
        timer->expires += interval;
        add_timer(timer);
    }
}

static void stop(struct itimer* it) {
    WRITE_ONCE(it->interval, 0);
    // It may have set itself again just before it saw that it should not.
    do {
        del_timer_sync(&it->timer);
    } while (del_timer(&it->timer));
}

void exit_itimers(struct signal_struct* signal) {
    if (signal->itimer != NULL) {
        stop(signal->itimer);
        kfree(signal->itimer);
    }
}

static struct mutex itimer_mutex = {.wait = {.head = LIST_HEAD_INIT(itimer_mutex.wait.head)}};

static struct itimer* current_itimer(void) {
    struct signal_struct* signal = current->signal;
    if (signal->itimer == NULL) {
        struct itimer* it = kmalloc(sizeof(*it), GFP_KERNEL);
        if (it != NULL) {
            *it = (struct itimer){.timer = {LIST_HEAD_INIT(it->timer.entry), 0, it_real_fn},
                                  .tgid = current->tgid};
        }
        signal->itimer = it;
    }
    return signal->itimer;
}

// How long it still has to go, in ticks.
static unsigned long ticks_left(const struct itimer* it) {
    long left = (long)(it->timer.expires - jiffies);
    return list_empty(&it->timer.entry) ? 0 : (unsigned long)max(left, 1L);
}

// The ticks that were left before.
static long set_real(unsigned long value, unsigned long interval, unsigned long* old_interval) {
    mutex_lock(&itimer_mutex);
    struct itimer* it = current_itimer();
    long left = -ENOMEM;
    if (it != NULL) {
        left = (long)ticks_left(it);
        *old_interval = it->interval;
        stop(it);
        if (value != 0) {
            it->interval = interval;
            it->timer.expires = jiffies + value;
            add_timer(&it->timer);
        }
    }
    mutex_unlock(&itimer_mutex);
    return left;
}

SYSCALL_DEFINE1(alarm, unsigned int, seconds) {
    unsigned long unused;
    long left = set_real((unsigned long)seconds * tick_hz, 0, &unused);
    return left < 0 ? left : (left + (long)tick_hz - 1) / (long)tick_hz;
}

static bool valid(s64 sec, s64 usec) { return sec >= 0 && usec >= 0 && usec < USEC_PER_SEC; }

static unsigned long to_ticks(s64 sec, s64 usec) {
    const struct timespec64 ts = {sec, (long)usec * 1000};
    return (unsigned long)timespec64_to_jiffies(&ts);
}

static struct itimerval to_itimerval(unsigned long left, unsigned long interval) {
    const u64 usec_of_tick = (u64)USEC_PER_SEC / tick_hz;
    const s64 value = (s64)(left * usec_of_tick), again = (s64)(interval * usec_of_tick);
    return (struct itimerval){again / USEC_PER_SEC, again % USEC_PER_SEC, value / USEC_PER_SEC,
                              value % USEC_PER_SEC};
}

SYSCALL_DEFINE3(setitimer, int, which, const struct itimerval __user*, value,
                struct itimerval __user*, ovalue) {
    struct itimerval wanted = {0, 0, 0, 0};
    if (which != ITIMER_REAL) {
        return -EINVAL;  // time of the CPU: nobody counts it in parts of a tick
    }
    if (value != NULL && get_user(wanted, value) != 0) {
        return -EFAULT;
    }
    if (!valid(wanted.interval_sec, wanted.interval_usec) ||
        !valid(wanted.value_sec, wanted.value_usec)) {
        return -EINVAL;
    }
    unsigned long interval = 0;
    long left = set_real(to_ticks(wanted.value_sec, wanted.value_usec),
                         to_ticks(wanted.interval_sec, wanted.interval_usec), &interval);
    if (left < 0) {
        return left;
    }
    return ovalue != NULL ? put_user(to_itimerval((unsigned long)left, interval), ovalue) : 0;
}

SYSCALL_DEFINE2(getitimer, int, which, struct itimerval __user*, value) {
    if (which != ITIMER_REAL) {
        return -EINVAL;
    }
    mutex_lock(&itimer_mutex);
    const struct itimer* it = current->signal->itimer;
    const struct itimerval now = it != NULL ? to_itimerval(ticks_left(it), it->interval)
                                            : to_itimerval(0, 0);
    mutex_unlock(&itimer_mutex);
    return put_user(now, value);
}

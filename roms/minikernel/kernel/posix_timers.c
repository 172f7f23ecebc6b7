// SPDX-License-Identifier: GPL-2.0-only
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"

// The time, and sleeping.

SYSCALL_DEFINE2(clock_gettime, int, which, struct timespec64 __user*, tp) {
    switch (which) {
        case 0:
        case 5: return put_user(current_time(), tp);
        case 1:
        case 4:
        case 6:
        case 7: return put_user(ns_to_timespec64(ktime_get_ns()), tp);
        case 2:
        case 3: return put_user(ns_to_timespec64(current->utime + current->stime), tp);
        default: return -EINVAL;
    }
}

SYSCALL_DEFINE2(clock_getres, int, which, struct timespec64 __user*, tp) {
    (void)which;
    return tp == NULL ? 0 : put_user(ns_to_timespec64(1000000000ULL / tick_hz), tp);
}

SYSCALL_DEFINE2(gettimeofday, struct timeval __user*, tv, void __user*, tz) {
    (void)tz;
    struct timespec64 now = current_time();
    const struct timeval value = {now.tv_sec, now.tv_nsec / 1000};
    return tv == NULL ? 0 : put_user(value, tv);
}

SYSCALL_DEFINE1(time, s64 __user*, tloc) {
    s64 now = current_time().tv_sec;
    return tloc != NULL && put_user(now, tloc) != 0 ? -EFAULT : now;
}

// What all threads of the current process have used, those that are gone included.
static void thread_group_cputime(u64* utime, u64* stime) {
    const struct signal_struct* signal = current->signal;
    const struct task_struct* t;
    spin_lock_irq(&tasklist_lock);
    *utime = signal->utime;
    *stime = signal->stime;
    list_for_each_entry(t, &signal->thread_head, thread_node) {
        *utime += t->utime;
        *stime += t->stime;
    }
    spin_unlock_irq(&tasklist_lock);
}

SYSCALL_DEFINE1(times, s64 __user*, tbuf) {
    const struct signal_struct* s = current->signal;
    const u64 tick = 10000000;
    u64 utime, stime;
    thread_group_cputime(&utime, &stime);
    const s64 buf[4] = {(s64)(utime / tick), (s64)(stime / tick), (s64)(s->cutime / tick),
                        (s64)(s->cstime / tick)};
    if (tbuf != NULL && copy_to_user(tbuf, buf, sizeof(buf)) != 0) {
        return -EFAULT;
    }
    return (long)(ktime_get_ns() / tick);
}

struct rusage to_rusage(u64 utime, u64 stime) {
    const u64 second = 1000000000;
    return (struct rusage){
        .ru_utime = {(s64)(utime / second), (s64)(utime % second / 1000)},
        .ru_stime = {(s64)(stime / second), (s64)(stime % second / 1000)},
    };
}

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

SYSCALL_DEFINE2(getrusage, int, who, struct rusage __user*, ru) {
    u64 utime = current->utime, stime = current->stime;
    if (who == RUSAGE_SELF) {
        thread_group_cputime(&utime, &stime);
    } else if (who == RUSAGE_CHILDREN) {
        utime = current->signal->cutime;
        stime = current->signal->cstime;
    } else if (who != RUSAGE_THREAD) {
        return -EINVAL;
    }
    const struct rusage value = to_rusage(utime, stime);
    return put_user(value, ru);
}

static long sleep_until(unsigned long expires, struct timespec64 __user* rmtp) {
    long left = (long)(expires - jiffies);
    while (left > 0) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (signal_pending(current)) {
            set_current_state(TASK_RUNNING);
            struct timespec64 rest = ns_to_timespec64((u64)left * (1000000000ULL / tick_hz));
            return rmtp != NULL && put_user(rest, rmtp) != 0 ? -EFAULT : -EINTR;
        }
        left = schedule_timeout(left);
    }
    return 0;
}

static bool valid(const struct timespec64* ts) {
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000;
}

SYSCALL_DEFINE2(nanosleep, const struct timespec64 __user*, rqtp, struct timespec64 __user*, rmtp) {
    struct timespec64 ts;
    if (get_user(ts, rqtp) != 0) {
        return -EFAULT;
    }
    return valid(&ts) ? sleep_until(jiffies + (unsigned long)timespec64_to_jiffies(&ts), rmtp)
                      : -EINVAL;
}

SYSCALL_DEFINE4(clock_nanosleep, int, which, int, flags, const struct timespec64 __user*, rqtp,
                struct timespec64 __user*, rmtp) {
    struct timespec64 ts;
    if (get_user(ts, rqtp) != 0) {
        return -EFAULT;
    }
    if (!valid(&ts) || (which != 0 && which != 1 && which != 7)) {
        return -EINVAL;
    }
    unsigned long ticks = (unsigned long)timespec64_to_jiffies(&ts);
    if (!(flags & 1)) {
        return sleep_until(jiffies + ticks, rmtp);
    }
    struct timespec64 boot = ns_to_timespec64(0);
    if (which == 0) {
        boot.tv_sec = current_time().tv_sec - (s64)(ktime_get_ns() / 1000000000ULL);
    }
    return sleep_until(ticks - (unsigned long)(boot.tv_sec * tick_hz), NULL);
}

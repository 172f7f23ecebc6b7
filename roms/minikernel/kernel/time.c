// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/time.h"

#include "arch/irq.h"
#include "drivers/i8254.h"
#include "fs/fs.h"
#include "kernel/sched.h"
#include "kernel/timer.h"

#define NSEC_PER_SEC 1000000000ULL
#define TIMER_IRQ 0

volatile unsigned long jiffies;
unsigned int tick_hz = 1000;

u64 ktime_get_ns(void) { return jiffies * (NSEC_PER_SEC / tick_hz); }

static void do_timer(unsigned long ticks) { jiffies += ticks; }

static void update_process_times(void) {
    struct task_struct* p = current;
    if (!(p->flags & PF_IDLE)) {
        p->stime += NSEC_PER_SEC / tick_hz;
    }
    run_local_timers();
    scheduler_tick();
}

static void tick_periodic(void) {
    do_timer(1);
    update_process_times();
}

static void timer_interrupt(int irq, void* dev) {
    (void)irq;
    (void)dev;
    tick_periodic();
}

// The date at reset of every machine that this kernel runs in: 2026-01-01.
#define BOOT_SECONDS 1767225600LL

struct timespec64 ns_to_timespec64(u64 ns) {
    return (struct timespec64){(s64)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC)};
}

struct timespec64 current_time(void) {
    struct timespec64 now = ns_to_timespec64(ktime_get_ns());
    now.tv_sec += BOOT_SECONDS;
    return now;
}

long timespec64_to_jiffies(const struct timespec64* ts) {
    const s64 most = 1LL << 40;
    if (ts->tv_sec < 0) {
        return 0;
    }
    u64 ns_of_tick = NSEC_PER_SEC / tick_hz;
    s64 seconds = min(ts->tv_sec, most);
    u64 part = (u64)max(ts->tv_nsec, 0L) + ns_of_tick - 1;
    return (long)((u64)seconds * tick_hz + part / ns_of_tick);
}

void time_init(void) {
    pit_set_periodic(tick_hz);
    request_irq(TIMER_IRQ, timer_interrupt, NULL);
}

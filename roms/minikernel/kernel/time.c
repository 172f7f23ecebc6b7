// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/time.h"

#include "arch/irq.h"
#include "drivers/i8254.h"
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

void time_init(void) {
    pit_set_periodic(tick_hz);
    request_irq(TIMER_IRQ, timer_interrupt, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/time.h"

#include "arch/irq.h"
#include "arch/smp.h"
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

// To whom the last tick's worth of this CPU's time is charged.
static void account_process_tick(struct kernel_cpustat* cpu, bool user) {
    struct task_struct* p = current;
    const u64 tick = NSEC_PER_SEC / tick_hz;
    u64* where = p->flags & PF_IDLE ? &cpu->idle : user ? &cpu->user : &cpu->system;
    *where += tick;
    if (!(p->flags & PF_IDLE)) {
        *(user ? &p->utime : &p->stime) += tick;
    }
}

void update_process_times(void) {
    account_process_tick(&this_cpu_ptr(runqueues)->cpustat, user_mode(get_irq_regs()));
    scheduler_tick();
}

// CPUs that have nothing to do are left alone.
static void tick_other_cpus(void) {
    unsigned long busy = 0;
    for_each_online_cpu(cpu) {
        if (cpu == smp_processor_id()) {
            continue;
        }
        if (idle_cpu(cpu)) {
            per_cpu_ptr(runqueues, cpu)->cpustat.idle += NSEC_PER_SEC / tick_hz;
        } else {
            busy |= cpumask_of(cpu);
        }
    }
    tick_broadcast(busy);
}

// On the boot CPU: the one that the timer interrupts.
static void tick_periodic(void) {
    do_timer(1);
    tick_other_cpus();
    run_local_timers();
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
    request_irq(TIMER_IRQ, timer_interrupt, "timer", NULL);
}

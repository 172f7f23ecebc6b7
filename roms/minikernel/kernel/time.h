// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Ticks since interrupts were switched on.
extern volatile unsigned long jiffies;
/// Ticks in a second: 1000, or the command line's hz=.
extern unsigned int tick_hz;

/// Time since then; its resolution is one tick.
u64 ktime_get_ns(void);
struct timeval {
    s64 tv_sec, tv_usec;
};
/// What a process has used; the rest is not counted, and zero.
struct rusage {
    struct timeval ru_utime, ru_stime;
    s64 rest[14];
};
struct rusage to_rusage(u64 utime, u64 stime);
struct timespec64;
struct timespec64 ns_to_timespec64(u64 ns);
/// How long to sleep so that at least this much time passes.
long timespec64_to_jiffies(const struct timespec64* ts);
/// Starts the tick.
void time_init(void);
/// What each CPU that works does at a tick.
void update_process_times(void);

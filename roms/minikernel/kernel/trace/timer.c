// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/timer.h"

#include "kernel/time.h"
#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"

// clang-format off

#define TIMER_START_FIELDS(F, A, S, E) \
    F(E, void *, timer) F(E, void *, function) F(E, unsigned long, expires) \
    F(E, unsigned long, now) F(E, unsigned int, flags)
TRACE_EVENT("timer", timer_start,
            TP_PROTO(struct timer_list* timer, unsigned long expires, unsigned int flags),
            TP_ARGS(timer, expires, flags), TIMER_START_FIELDS,
            "\"timer=%p function=%ps expires=%lu [timeout=%ld] flags=0x%x\", REC->timer, "
            "REC->function, REC->expires, (long)REC->expires - REC->now, REC->flags") {
    entry->timer = timer;
    entry->function = (void*)timer->function;
    entry->expires = expires;
    entry->now = jiffies;
    entry->flags = flags;
}

#define TIMER_ENTRY_FIELDS(F, A, S, E) \
    F(E, void *, timer) F(E, unsigned long, now) F(E, void *, function) \
    F(E, unsigned long, baseclk)
TRACE_EVENT("timer", timer_expire_entry,
            TP_PROTO(struct timer_list* timer, unsigned long baseclk), TP_ARGS(timer, baseclk),
            TIMER_ENTRY_FIELDS,
            "\"timer=%p function=%ps now=%lu baseclk=%lu\", REC->timer, REC->function, REC->now, "
            "REC->baseclk") {
    entry->timer = timer;
    entry->now = jiffies;
    entry->function = (void*)timer->function;
    entry->baseclk = baseclk;
}

#define TIMER_FIELDS(F, A, S, E) F(E, void *, timer)
DECLARE_EVENT_CLASS(timer_class, TIMER_FIELDS)

#define DEFINE_TIMER(event)                                                                \
    DEFINE_EVENT(timer_class, "timer", event, TP_PROTO(struct timer_list* timer),          \
                 TP_ARGS(timer), "\"timer=%p\", REC->timer") {                             \
        entry->timer = timer;                                                              \
    }
DEFINE_TIMER(timer_expire_exit)
DEFINE_TIMER(timer_cancel)

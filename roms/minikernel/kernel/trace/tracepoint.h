// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// A tracepoint is a place in the code that can tell of what happens there. trace_<name>(...) tests
// a count and, when somebody wants to know, calls __traceiter_<name>(NULL, ...), which makes a
// record and hands it to trace_event_commit(). A tracer outside of the kernel switches a tracepoint
// on by raising __tracepoint_<name>.key.enabled; then it finds the arguments at __traceiter_<name>
// (in RSI, RDX, ...) and the record at trace_event_commit (RDI, its size in RSI), whose type is the
// event's id.
//
// Names, arguments and records are Linux's, so that its tools and BPF programs know them. What can
// be listed lies in tables of the image: README.md says how to read them.

struct static_key {
    int enabled;
};

struct tracepoint {
    const char* name;
    struct static_key key;
    void* iterator;  // __traceiter_<name>
};

/// What every record begins with.
struct trace_entry {
    unsigned short type;
    unsigned char flags;
    unsigned char preempt_count;
    int pid;
};

struct trace_event_field {
    const char* type;
    const char* name;
    u16 offset, size;
    u32 is_signed;
};

struct trace_event_call {
    const char* system;
    const char* name;
    struct tracepoint* tp;
    const struct trace_event_field* fields;
    const char* print_fmt;
    u32 nr_fields;
    u32 size;  // of the record without its strings
};

extern const struct trace_event_call __start_ftrace_events[], __stop_ftrace_events[];

// Ids: an event's place in the table, from 1 on; system calls from here on, two for each number.
#define SYSCALL_EVENT_ID 512

#define unlikely(x) __builtin_expect(!!(x), 0)

#define TP_PROTO(...) __VA_ARGS__
#define TP_ARGS(...) __VA_ARGS__

/// In a header: trace_<name>(), for the code that has something to tell.
#define DECLARE_TRACE(name, proto, args)                             \
    extern struct tracepoint __tracepoint_##name;                    \
    void __traceiter_##name(void* data, proto);                      \
    static inline void trace_##name(proto) {                         \
        if (unlikely(READ_ONCE(__tracepoint_##name.key.enabled))) {  \
            __traceiter_##name(NULL, args);                          \
        }                                                            \
    }                                                                \
    static inline bool trace_##name##_enabled(void) {                \
        return unlikely(READ_ONCE(__tracepoint_##name.key.enabled)); \
    }

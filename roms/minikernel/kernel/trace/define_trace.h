// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/trace/tracepoint.h"
#include "lib/string.h"

// Defines the tracepoints of one system; for the .c files beside this one.
//
//     #define FOO_FIELDS(F, A, S, E) F(E, int, number) A(E, char, comm, 16) S(E, file)
//     TRACE_EVENT("sys", foo, TP_PROTO(int n, ...), TP_ARGS(n, ...), FOO_FIELDS, "number=%d ...") {
//         entry->number = n;
//         ...
//     }
//
// F is a plain field, A an array, S a string of any length, stored behind the record.

#define TRACE_STRINGS 128

struct trace_record {
    struct trace_entry* entry;
    u32 size, capacity;
};

/// Fills in what every record begins with.
void trace_event_begin(struct trace_entry* entry, u32 type);
/// Appends a string; what its field then says: where it is, and its length with the NUL.
u32 trace_event_string(struct trace_record* record, const char* text);
/// Every record comes here. The kernel itself has no use for it.
void trace_event_commit(const struct trace_entry* entry, unsigned int size);

#define __assign_str(field, text) entry->__data_loc_##field = trace_event_string(record, text)

#define is_signed_type(type) (__builtin_types_compatible_p(type, char) || TYPE_IS_SIGNED_(type))
#define TYPE_IS_SIGNED_(type) \
    _Generic((type)0, signed char: 1, short: 1, int: 1, long: 1, long long: 1, default: 0)

#define STRUCT_FIELD_(class, type, name) type name;
#define STRUCT_ARRAY_(class, type, name, n) type name[n];
#define STRUCT_STRING_(class, name) u32 __data_loc_##name;
#define TABLE_FIELD_(class, type, name)                                          \
    {#type, #name, offsetof(struct trace_event_raw_##class, name), sizeof(type), \
     is_signed_type(type)},
#define TABLE_ARRAY_(class, type, name, n)                                                        \
    {#type "[" #n "]", #name, offsetof(struct trace_event_raw_##class, name), sizeof(type) * (n), \
     is_signed_type(type)},
#define TABLE_STRING_(class, name) \
    {"__data_loc char[]", #name, offsetof(struct trace_event_raw_##class, __data_loc_##name), 4, 1},

/// A record that several events share.
#define DECLARE_EVENT_CLASS(class, FIELDS)                           \
    struct trace_event_raw_##class {                                 \
        struct trace_entry ent;                                      \
        FIELDS(STRUCT_FIELD_, STRUCT_ARRAY_, STRUCT_STRING_, class)  \
    };                                                               \
    static const struct trace_event_field event_fields_##class[] = { \
        FIELDS(TABLE_FIELD_, TABLE_ARRAY_, TABLE_STRING_, class)};

#define DEFINE_EVENT(class, sys, event, proto, args, fmt)                                         \
    struct tracepoint __tracepoint_##event __attribute__((                                        \
        section("__tracepoints"), used, aligned(8))) = {#event, {0}, __traceiter_##event};        \
    static const struct trace_event_call event_##event __attribute__((                            \
        section("_ftrace_events"), used, aligned(8))) = {sys,                                     \
                                                         #event,                                  \
                                                         &__tracepoint_##event,                   \
                                                         event_fields_##class,                    \
                                                         fmt,                                     \
                                                         ARRAY_SIZE(event_fields_##class),        \
                                                         sizeof(struct trace_event_raw_##class)}; \
    static inline __attribute__((always_inline)) void trace_event_assign_##event(                 \
        struct trace_event_raw_##class* entry, struct trace_record* record, proto);               \
    void __traceiter_##event(void* data, proto) {                                                 \
        struct {                                                                                  \
            struct trace_event_raw_##class entry;                                                 \
            char strings[TRACE_STRINGS];                                                          \
        } buffer;                                                                                 \
        struct trace_record record = {&buffer.entry.ent, sizeof(buffer.entry), sizeof(buffer)};   \
        (void)data;                                                                               \
        memset(&buffer.entry, 0, sizeof(buffer.entry));                                           \
        trace_event_begin(&buffer.entry.ent, (u32)(&event_##event - __start_ftrace_events) + 1);  \
        trace_event_assign_##event(&buffer.entry, &record, args);                                 \
        trace_event_commit(&buffer.entry.ent, record.size);                                       \
    }                                                                                             \
    static inline __attribute__((always_inline)) void trace_event_assign_##event(                 \
        struct trace_event_raw_##class* entry, struct trace_record* record, proto)

#define TRACE_EVENT(sys, event, proto, args, FIELDS, fmt) \
    DECLARE_EVENT_CLASS(event, FIELDS)                    \
    DEFINE_EVENT(event, sys, event, TP_PROTO(proto), TP_ARGS(args), fmt)

// What an event has no use for, of what it is told.
#pragma GCC diagnostic ignored "-Wunused-parameter"

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"

// clang-format off

#define SYS_ENTER_FIELDS(F, A, S, E) F(E, long, id) A(E, unsigned long, args, 6)
TRACE_EVENT("raw_syscalls", sys_enter, TP_PROTO(struct pt_regs* regs, long id),
            TP_ARGS(regs, id), SYS_ENTER_FIELDS,
            "\"NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)\", REC->id, REC->args[0], REC->args[1], "
            "REC->args[2], REC->args[3], REC->args[4], REC->args[5]") {
    entry->id = id;
    syscall_get_arguments(regs, entry->args);
}

#define SYS_EXIT_FIELDS(F, A, S, E) F(E, long, id) F(E, long, ret)
TRACE_EVENT("raw_syscalls", sys_exit, TP_PROTO(struct pt_regs* regs, long ret),
            TP_ARGS(regs, ret), SYS_EXIT_FIELDS, "\"NR %ld = %ld\", REC->id, REC->ret") {
    entry->id = (long)regs->orig_ax;
    entry->ret = ret;
}
// clang-format on

// The events of each system call, made from its metadata.

struct syscall_trace_enter {
    struct trace_entry ent;
    int nr;
    unsigned long args[6];
};

struct syscall_trace_exit {
    struct trace_entry ent;
    int nr;
    long ret;
};

void syscall_trace_enter(struct pt_regs* regs, long nr) {
    trace_sys_enter(regs, nr);
    const struct syscall_metadata* meta = syscall_nr_to_meta(nr);
    if (meta == NULL || meta->enter.enabled == 0) {
        return;
    }
    struct syscall_trace_enter record = {.nr = (int)nr};
    trace_event_begin(&record.ent, SYSCALL_EVENT_ID + 2 * (u32)nr + 1);
    syscall_get_arguments(regs, record.args);
    trace_event_commit(&record.ent, (u32)(offsetof(struct syscall_trace_enter, args) +
                                          (size_t)meta->nb_args * sizeof(record.args[0])));
}

void syscall_trace_exit(struct pt_regs* regs, long nr) {
    long ret = (long)regs->ax;
    trace_sys_exit(regs, ret);
    const struct syscall_metadata* meta = syscall_nr_to_meta(nr);
    if (meta == NULL || meta->exit.enabled == 0) {
        return;
    }
    struct syscall_trace_exit record = {.nr = (int)nr, .ret = ret};
    trace_event_begin(&record.ent, SYSCALL_EVENT_ID + 2 * (u32)nr);
    trace_event_commit(&record.ent, sizeof(record));
}

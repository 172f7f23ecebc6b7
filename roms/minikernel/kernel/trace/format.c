// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/trace/format.h"

#include "fs/proc/proc.h"
#include "kernel/syscall.h"
#include "kernel/trace/define_trace.h"
#include "lib/vsprintf.h"

// Events as text, in the form that Linux's tracefs shows them.

static u32 nr_events(void) { return (u32)(__stop_ftrace_events - __start_ftrace_events); }

static const struct trace_event_call* event_call(u32 id) {
    return id >= 1 && id <= nr_events() ? &__start_ftrace_events[id - 1] : NULL;
}

static const struct syscall_metadata* event_syscall(u32 id) {
    long nr = ((long)id - SYSCALL_EVENT_ID) / 2;
    const struct syscall_metadata* meta = id >= SYSCALL_EVENT_ID ? syscall_nr_to_meta(nr) : NULL;
    // A call that has several numbers has the events of the first one.
    for (long first = 0; meta != NULL && first < nr; first++) {
        if (syscall_nr_to_meta(first) == meta) {
            return NULL;
        }
    }
    return meta;
}

u32 trace_event_next(u32 id) {
    while (++id < SYSCALL_EVENT_ID + 2 * MAX_TRACED_SYSCALLS) {
        if (event_call(id) != NULL || event_syscall(id) != NULL) {
            return id;
        }
    }
    return 0;
}

const char* trace_event_system(u32 id) {
    const struct trace_event_call* call = event_call(id);
    return call != NULL ? call->system : "syscalls";
}

void trace_event_name(u32 id, char* name, size_t size) {
    const struct trace_event_call* call = event_call(id);
    if (call != NULL) {
        strscpy(name, call->name, size);
        return;
    }
    // "sys_read" is what happens, "sys_enter_read" and "sys_exit_read" are the events.
    const struct syscall_metadata* meta = event_syscall(id);
    snprintf(name, size, "sys_%s_%s", id % 2 == 1 ? "enter" : "exit", meta->name + 4);
}

static bool is(const char* wanted, const char* name, u32 len) {
    return strlen(wanted) == len && memcmp(wanted, name, len) == 0;
}

static u32 find_syscall_event(const char* name, u32 len, u32 is_enter) {
    for (long nr = 0; nr < MAX_TRACED_SYSCALLS; nr++) {
        const struct syscall_metadata* meta = syscall_nr_to_meta(nr);
        if (meta != NULL && is(meta->name + 4, name, len)) {
            return SYSCALL_EVENT_ID + 2 * (u32)nr + is_enter;
        }
    }
    return 0;
}

u32 trace_event_find(const char* name, u32 len) {
    static const char enter[] = "sys_enter_", leave[] = "sys_exit_";
    const u32 enter_len = sizeof(enter) - 1, leave_len = sizeof(leave) - 1;
    for (u32 id = 1; id <= nr_events(); id++) {
        if (is(event_call(id)->name, name, len)) {
            return id;
        }
    }
    if (len > enter_len && memcmp(name, enter, enter_len) == 0) {
        return find_syscall_event(name + enter_len, len - enter_len, 1);
    }
    return len > leave_len && memcmp(name, leave, leave_len) == 0
               ? find_syscall_event(name + leave_len, len - leave_len, 0)
               : 0;
}

static void show_field(struct seq_file* m, const char* type, const char* name, u32 offset, u32 size,
                       bool is_signed) {
    // "char[16]" "comm" is shown as "char comm[16]"; the [] of a string stays with its type.
    const char* bracket = strchr(type, '[');
    int base = bracket != NULL && bracket[1] != ']' ? (int)(bracket - type) : (int)strlen(type);
    seq_printf(m, "\tfield:%.*s %s%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", base, type, name,
               type + base, offset, size, is_signed);
}

static void show_syscall(struct seq_file* m, u32 id) {
    const struct syscall_metadata* meta = event_syscall(id);
    show_field(m, "int", "__syscall_nr", 8, 4, true);
    if (id % 2 == 0) {
        show_field(m, "long", "ret", 16, 8, true);
        seq_printf(m, "\nprint fmt: \"0x%%lx\", REC->ret\n");
        return;
    }
    for (int i = 0; i < meta->nb_args; i++) {
        show_field(m, meta->types[i], meta->args[i], 16 + 8 * (u32)i, 8, false);
    }
    seq_printf(m, "\nprint fmt: \"");
    for (int i = 0; i < meta->nb_args; i++) {
        seq_printf(m, "%s%s: 0x%%08lx", i == 0 ? "" : ", ", meta->args[i]);
    }
    seq_printf(m, "\"");
    for (int i = 0; i < meta->nb_args; i++) {
        seq_printf(m, ", ((unsigned long)(REC->%s))", meta->args[i]);
    }
    seq_printf(m, "\n");
}

void trace_event_show_format(struct seq_file* m, u32 id) {
    char name[64];
    trace_event_name(id, name, sizeof(name));
    seq_printf(m, "name: %s\nID: %u\nformat:\n", name, id);
    show_field(m, "unsigned short", "common_type", 0, 2, false);
    show_field(m, "unsigned char", "common_flags", 2, 1, false);
    show_field(m, "unsigned char", "common_preempt_count", 3, 1, false);
    show_field(m, "int", "common_pid", 4, 4, true);
    seq_printf(m, "\n");
    const struct trace_event_call* call = event_call(id);
    if (call == NULL) {
        show_syscall(m, id);
        return;
    }
    for (u32 i = 0; i < call->nr_fields; i++) {
        const struct trace_event_field* f = &call->fields[i];
        show_field(m, f->type, f->name, f->offset, f->size, f->is_signed);
    }
    seq_printf(m, "\nprint fmt: %s\n", call->print_fmt);
}

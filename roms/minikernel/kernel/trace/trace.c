// SPDX-License-Identifier: GPL-2.0-only
#include "arch/processor.h"
#include "kernel/sched.h"
#include "kernel/trace/define_trace.h"

// What the records of all events have in common.

#define TRACE_FLAG_IRQS_OFF 0x01
#define TRACE_FLAG_NEED_RESCHED 0x04
#define TRACE_FLAG_HARDIRQ 0x08

void trace_event_begin(struct trace_entry* entry, u32 type) {
    int count = preempt_count();
    entry->type = (unsigned short)type;
    entry->flags = (unsigned char)((irqs_disabled() ? TRACE_FLAG_IRQS_OFF : 0) |
                                   (need_resched() ? TRACE_FLAG_NEED_RESCHED : 0) |
                                   (count & ~(HARDIRQ_OFFSET - 1) ? TRACE_FLAG_HARDIRQ : 0));
    entry->preempt_count = (unsigned char)count;
    entry->pid = current->pid;
}

u32 trace_event_string(struct trace_record* record, const char* text) {
    u32 offset = record->size;
    u32 bytes = (u32)min(strlen(text) + 1, (size_t)(record->capacity - offset));
    strscpy((char*)record->entry + offset, text, bytes);
    record->size += bytes;
    return bytes << 16 | offset;
}

void trace_event_commit(const struct trace_entry* entry, unsigned int size) {
    __asm__ volatile("" : : "r"(entry), "r"(size) : "memory");
}

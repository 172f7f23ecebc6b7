// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

struct seq_file;

#define MAX_TRACED_SYSCALLS 512

/// The event behind `id`, which need not be one; 0 at the end.
u32 trace_event_next(u32 id);
const char* trace_event_system(u32 id);
void trace_event_name(u32 id, char* name, size_t size);
/// Names are unique among all systems. 0: there is no such event.
u32 trace_event_find(const char* name, u32 len);
void trace_event_show_format(struct seq_file* m, u32 id);

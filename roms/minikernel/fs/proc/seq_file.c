// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>

#include "fs/proc/proc.h"
#include "lib/string.h"
#include "lib/vsprintf.h"

void seq_printf(struct seq_file* m, const char* fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(m->buf + m->count, m->size - m->count, fmt, args);
    va_end(args);
    m->count = min(m->count + (size_t)length, m->size - 1);
}

void seq_write(struct seq_file* m, const char* data, size_t count) {
    count = min(count, m->size - 1 - m->count);
    memcpy(m->buf + m->count, data, count);
    m->count += count;
}

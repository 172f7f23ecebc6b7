// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>

#include "arch/uaccess.h"
#include "fs/proc/proc.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/slab.h"

#define SEQ_BUF_ORDER 5
#define SEQ_BUF_BYTES (PAGE_SIZE << SEQ_BUF_ORDER)

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

struct seq_file* seq_file_alloc(void) {
    struct seq_file* m = kmalloc(sizeof(*m), GFP_KERNEL);
    if (m == NULL) {
        return NULL;
    }
    *m = (struct seq_file){(char*)__get_free_pages(GFP_KERNEL, SEQ_BUF_ORDER), SEQ_BUF_BYTES, 0};
    if (m->buf == NULL) {
        kfree(m);
        return NULL;
    }
    return m;
}

void seq_release(struct inode* inode, struct file* file) {
    (void)inode;
    struct seq_file* m = file->private_data;
    free_pages((unsigned long)m->buf, SEQ_BUF_ORDER);
    kfree(m);
}

ssize_t seq_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    const struct seq_file* m = file->private_data;
    size_t left = (u64)*pos < m->count ? m->count - (size_t)*pos : 0;
    count = min(count, left);
    if (copy_to_user(buf, m->buf + *pos, count) != 0) {
        return -EFAULT;
    }
    *pos += (loff_t)count;
    return (ssize_t)count;
}

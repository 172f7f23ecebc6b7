// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "fs/fs.h"
#include "kernel/sched.h"

/// Text that a file shows, collected when it is opened.
struct seq_file {
    char* buf;
    size_t size, count;
};

void seq_printf(struct seq_file* m, const char* fmt, ...) __printf(2, 3);
void seq_write(struct seq_file* m, const char* data, size_t count);

/// A name in procfs. `show` for a file, `readlink` for a link, neither for a directory.
struct proc_dir_entry {
    const char* name;
    /// `p`, which is held, is NULL outside of a process's directory.
    void (*show)(struct seq_file* m, struct task_struct* p);
    int (*readlink)(struct task_struct* p, char* buf, int size);
};

extern const struct proc_dir_entry proc_root_entries[], proc_pid_entries[];

struct dentry* proc_get_tree(void);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "fs/fs.h"
#include "kernel/sched.h"

/// Text that a file shows, collected when it is opened.
struct seq_file {
    char* buf;
    size_t size, count;
};

/// With room for 128 KiB; NULL when there is no memory. It becomes a file's private_data.
struct seq_file* seq_file_alloc(void);
/// The file operations of such a file.
void seq_release(struct inode* inode, struct file* file);
ssize_t seq_read(struct file* file, char __user* buf, size_t count, loff_t* pos);
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
struct dentry* tracefs_get_tree(void);

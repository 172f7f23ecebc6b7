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

/// A name in procfs: a file with `show`, a link with `readlink`, a directory with operations.
struct proc_dir_entry {
    const char* name;
    /// `p`, which is held, is NULL outside of a process's directory.
    void (*show)(struct seq_file* m, struct task_struct* p);
    int (*readlink)(struct task_struct* p, char* buf, int size);
    const struct inode_operations* i_op;
    const struct file_operations* i_fop;
};

extern const struct proc_dir_entry proc_root_entries[], proc_pid_entries[];

struct dentry* proc_get_tree(void);
struct dentry* tracefs_get_tree(void);
/// A nameless inode of process `pid`, and a name for it; ERR_PTR.
struct inode* proc_inode(umode_t mode, const void* data, pid_t pid);
struct dentry* proc_dentry(struct dentry* dir, const char* name, u32 len, struct inode* inode);
/// The process whose directory the inode is in, held; NULL when it is gone.
struct task_struct* get_proc_task(const struct inode* inode);

// fd.c
extern const struct inode_operations proc_fd_inode_operations;
extern const struct file_operations proc_fd_operations;

// system.c
void show_cpuinfo(struct seq_file* m, struct task_struct* p);
void show_meminfo(struct seq_file* m, struct task_struct* p);
void show_uptime(struct seq_file* m, struct task_struct* p);
void show_system_stat(struct seq_file* m, struct task_struct* p);
void show_loadavg(struct seq_file* m, struct task_struct* p);
void show_version(struct seq_file* m, struct task_struct* p);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/spinlock.h"
#include "lib/types.h"

struct file;
struct task_struct;

#define NR_OPEN_DEFAULT 256

/// A task's descriptors.
struct files_struct {
    int count;
    spinlock_t file_lock;
    struct file* fd_array[NR_OPEN_DEFAULT];
    bool close_on_exec[NR_OPEN_DEFAULT];
};

extern struct files_struct init_files;

/// The parent's table itself when `share`, else a copy. NULL when there is no memory.
struct files_struct* copy_files(bool share, struct files_struct* old);
void exit_files(struct task_struct* p);
/// After execve: the table is ours alone, and what should not survive is closed.
int unshare_files(void);
void do_close_on_exec(void);

/// The lowest free descriptor now stands for `file`; -EMFILE.
int fd_install_lowest(struct file* file);
/// The same from `from` on.
int fd_install_from(unsigned int from, struct file* file, bool close_on_exec);
/// Descriptor `fd` stands for `file` from now on; what it stood for is closed.
int replace_fd(unsigned int fd, struct file* file, bool close_on_exec);
/// The open file behind `fd`, held until fput; NULL when there is none.
struct file* fget(unsigned int fd);
/// The same of another task.
struct file* fget_task(struct task_struct* task, unsigned int fd);
int close_fd(unsigned int fd);
bool get_close_on_exec(unsigned int fd);
void set_close_on_exec(unsigned int fd, bool on);

struct file* alloc_empty_file(void);
void get_file(struct file* file);
void fput(struct file* file);

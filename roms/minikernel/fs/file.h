// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/spinlock.h"
#include "lib/types.h"

struct file;
struct task_struct;

#define NR_OPEN_DEFAULT 64

/// A task's descriptors.
struct files_struct {
    int count;
    spinlock_t file_lock;
    struct file* fd_array[NR_OPEN_DEFAULT];
};

extern struct files_struct init_files;

/// The parent's table itself when `share`, else a copy. NULL when there is no memory.
struct files_struct* copy_files(bool share, struct files_struct* old);
void exit_files(struct task_struct* p);

/// The lowest free descriptor now stands for `file`; -EMFILE.
int fd_install_lowest(struct file* file);
/// The open file behind `fd`, held until fput; NULL when there is none.
struct file* fget(unsigned int fd);
int close_fd(unsigned int fd);

struct file* alloc_empty_file(void);
void fput(struct file* file);

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"

#include "fs/fs.h"
#include "kernel/sched.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

struct files_struct init_files = {.count = 1};

static void get_file(struct file* file) { __atomic_add_fetch(&file->f_count, 1, __ATOMIC_RELAXED); }

struct file* alloc_empty_file(void) {
    struct file* file = kmalloc(sizeof(*file), GFP_KERNEL | __GFP_ZERO);
    if (file != NULL) {
        file->f_count = 1;
    }
    return file;
}

void fput(struct file* file) {
    if (__atomic_sub_fetch(&file->f_count, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (file->f_path.dentry != NULL) {
        dput(file->f_path.dentry);
    }
    kfree(file);
}

struct files_struct* copy_files(bool share, struct files_struct* old) {
    if (share) {
        __atomic_add_fetch(&old->count, 1, __ATOMIC_RELAXED);
        return old;
    }
    struct files_struct* files = kmalloc(sizeof(*files), GFP_KERNEL | __GFP_ZERO);
    if (files == NULL) {
        return NULL;
    }
    files->count = 1;
    spin_lock(&old->file_lock);
    for (int fd = 0; fd < NR_OPEN_DEFAULT; fd++) {
        files->fd_array[fd] = old->fd_array[fd];
        if (files->fd_array[fd] != NULL) {
            get_file(files->fd_array[fd]);
        }
    }
    spin_unlock(&old->file_lock);
    return files;
}

void exit_files(struct task_struct* p) {
    struct files_struct* files = p->files;
    p->files = NULL;
    if (__atomic_sub_fetch(&files->count, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (int fd = 0; fd < NR_OPEN_DEFAULT; fd++) {
        if (files->fd_array[fd] != NULL) {
            fput(files->fd_array[fd]);
        }
    }
    kfree(files);
}

int fd_install_lowest(struct file* file) {
    struct files_struct* files = current->files;
    int found = -EMFILE;
    spin_lock(&files->file_lock);
    for (int fd = 0; fd < NR_OPEN_DEFAULT; fd++) {
        if (files->fd_array[fd] == NULL) {
            files->fd_array[fd] = file;
            found = fd;
            break;
        }
    }
    spin_unlock(&files->file_lock);
    return found;
}

struct file* fget(unsigned int fd) {
    struct files_struct* files = current->files;
    if (fd >= NR_OPEN_DEFAULT) {
        return NULL;
    }
    spin_lock(&files->file_lock);
    struct file* file = files->fd_array[fd];
    if (file != NULL) {
        get_file(file);
    }
    spin_unlock(&files->file_lock);
    return file;
}

int close_fd(unsigned int fd) {
    struct files_struct* files = current->files;
    if (fd >= NR_OPEN_DEFAULT) {
        return -EBADF;
    }
    spin_lock(&files->file_lock);
    struct file* file = files->fd_array[fd];
    files->fd_array[fd] = NULL;
    spin_unlock(&files->file_lock);
    if (file == NULL) {
        return -EBADF;
    }
    fput(file);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"

#include "fs/fs.h"
#include "kernel/task.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

struct files_struct init_files = {.count = 1};

void get_file(struct file* file) { __atomic_add_fetch(&file->f_count, 1, __ATOMIC_RELAXED); }

struct file* alloc_empty_file(void) {
    struct file* file = kmalloc(sizeof(*file), GFP_KERNEL | __GFP_ZERO);
    if (file != NULL) {
        file->f_count = 1;
        INIT_LIST_HEAD(&file->f_ep);
        mutex_init(&file->f_pos_lock);
    }
    return file;
}

void fput(struct file* file) {
    if (__atomic_sub_fetch(&file->f_count, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (!list_empty(&file->f_ep)) {
        eventpoll_release(file);
    }
    if (file->f_op != NULL && file->f_op->release != NULL && file->f_inode != NULL) {
        file->f_op->release(file->f_inode, file);
    }
    put_access(file);
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
        files->close_on_exec[fd] = old->close_on_exec[fd];
        if (files->fd_array[fd] != NULL) {
            get_file(files->fd_array[fd]);
        }
    }
    spin_unlock(&old->file_lock);
    return files;
}

static void put_files_struct(struct files_struct* files) {
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

void exit_files(struct task_struct* p) {
    struct files_struct* files = p->files;
    spin_lock_irq(&tasklist_lock);
    p->files = NULL;
    spin_unlock_irq(&tasklist_lock);
    put_files_struct(files);
}

int unshare_files(void) {
    struct files_struct* old = current->files;
    if (READ_ONCE(old->count) == 1) {
        return 0;
    }
    struct files_struct* files = copy_files(false, old);
    if (files == NULL) {
        return -ENOMEM;
    }
    spin_lock_irq(&tasklist_lock);
    current->files = files;
    spin_unlock_irq(&tasklist_lock);
    put_files_struct(old);
    return 0;
}

void do_close_on_exec(void) {
    struct files_struct* files = current->files;
    for (unsigned int fd = 0; fd < NR_OPEN_DEFAULT; fd++) {
        if (files->close_on_exec[fd]) {
            close_fd(fd);
        }
    }
}

int fd_install_from(unsigned int from, struct file* file, bool close_on_exec) {
    struct files_struct* files = current->files;
    int found = -EMFILE;
    const u64 limit = min(current->signal->rlim[RLIMIT_NOFILE].rlim_cur, (u64)NR_OPEN_DEFAULT);
    spin_lock(&files->file_lock);
    for (unsigned int fd = from; fd < limit; fd++) {
        if (files->fd_array[fd] == NULL) {
            files->fd_array[fd] = file;
            files->close_on_exec[fd] = close_on_exec;
            found = (int)fd;
            break;
        }
    }
    spin_unlock(&files->file_lock);
    return found;
}

int fd_install_lowest(struct file* file) {
    return fd_install_from(0, file, file->f_flags & O_CLOEXEC);
}

int replace_fd(unsigned int fd, struct file* file, bool close_on_exec) {
    struct files_struct* files = current->files;
    if (fd >= NR_OPEN_DEFAULT) {
        return -EBADF;
    }
    spin_lock(&files->file_lock);
    struct file* old = files->fd_array[fd];
    get_file(file);
    files->fd_array[fd] = file;
    files->close_on_exec[fd] = close_on_exec;
    spin_unlock(&files->file_lock);
    if (old != NULL) {
        fput(old);
    }
    return (int)fd;
}

static struct file* fget_files(struct files_struct* files, unsigned int fd) {
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

struct file* fget(unsigned int fd) { return fget_files(current->files, fd); }

struct file* fget_task(struct task_struct* task, unsigned int fd) {
    spin_lock_irq(&tasklist_lock);
    struct file* file = task->files != NULL ? fget_files(task->files, fd) : NULL;
    spin_unlock_irq(&tasklist_lock);
    return file;
}

bool get_close_on_exec(unsigned int fd) {
    return fd < NR_OPEN_DEFAULT && current->files->close_on_exec[fd];
}

void set_close_on_exec(unsigned int fd, bool on) {
    struct files_struct* files = current->files;
    spin_lock(&files->file_lock);
    files->close_on_exec[fd] = on && files->fd_array[fd] != NULL;
    spin_unlock(&files->file_lock);
}

int close_fd(unsigned int fd) {
    struct files_struct* files = current->files;
    if (fd >= NR_OPEN_DEFAULT) {
        return -EBADF;
    }
    spin_lock(&files->file_lock);
    struct file* file = files->fd_array[fd];
    files->fd_array[fd] = NULL;
    files->close_on_exec[fd] = false;
    spin_unlock(&files->file_lock);
    if (file == NULL) {
        return -EBADF;
    }
    fput(file);
    return 0;
}

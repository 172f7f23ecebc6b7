// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "mm/slab.h"

struct fs_struct init_fs = {.users = 1, .umask = 022};

// Threads may share the structure: one may change the directory while another one walks from it.
static struct dentry* get_fs_pwd(struct fs_struct* fs) {
    spin_lock(&fs->lock);
    struct dentry* pwd = dget(fs->pwd);
    spin_unlock(&fs->lock);
    return pwd;
}

struct fs_struct* copy_fs_struct(bool share, struct fs_struct* old) {
    if (share) {
        __atomic_add_fetch(&old->users, 1, __ATOMIC_RELAXED);
        return old;
    }
    struct fs_struct* fs = kmalloc(sizeof(*fs), GFP_KERNEL);
    if (fs != NULL) {
        *fs = (struct fs_struct){.users = 1, .umask = old->umask, .pwd = get_fs_pwd(old)};
    }
    return fs;
}

void put_fs_struct(struct fs_struct* fs) {
    if (__atomic_sub_fetch(&fs->users, 1, __ATOMIC_ACQ_REL) == 0) {
        dput(fs->pwd);
        kfree(fs);
    }
}

void exit_fs(struct task_struct* p) {
    struct fs_struct* fs = p->fs;
    spin_lock_irq(&tasklist_lock);
    p->fs = NULL;
    spin_unlock_irq(&tasklist_lock);
    put_fs_struct(fs);
}

struct dentry* get_task_pwd(struct task_struct* p) {
    spin_lock_irq(&tasklist_lock);
    struct dentry* pwd = p->fs != NULL ? get_fs_pwd(p->fs) : NULL;
    spin_unlock_irq(&tasklist_lock);
    return pwd;
}

static int set_fs_pwd(struct dentry* dentry) {
    if (!S_ISDIR(dentry->d_inode->i_mode)) {
        dput(dentry);
        return -ENOTDIR;
    }
    struct fs_struct* fs = current->fs;
    spin_lock(&fs->lock);
    struct dentry* old = fs->pwd;
    fs->pwd = dentry;
    spin_unlock(&fs->lock);
    dput(old);
    return 0;
}

SYSCALL_DEFINE1(chdir, const char __user*, filename) {
    struct dentry* dentry = user_path_at(AT_FDCWD, filename, 0, LOOKUP_FOLLOW);
    return IS_ERR(dentry) ? PTR_ERR(dentry) : set_fs_pwd(dentry);
}

SYSCALL_DEFINE1(fchdir, unsigned int, fd) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    int error = file->f_path.dentry == NULL ? -ENOTDIR : set_fs_pwd(dget(file->f_path.dentry));
    fput(file);
    return error;
}

SYSCALL_DEFINE2(getcwd, char __user*, buf, unsigned long, size) {
    char* page = (char*)__get_free_pages(GFP_KERNEL, 0);
    if (page == NULL) {
        return -ENOMEM;
    }
    struct dentry* pwd = get_task_pwd(current);
    char* path = d_path(pwd, page, PATH_MAX);
    dput(pwd);
    long result = PTR_ERR(path);
    if (!IS_ERR(path)) {
        unsigned long length = (unsigned long)(page + PATH_MAX - path);
        result = length > size                          ? -ERANGE
                 : copy_to_user(buf, path, length) != 0 ? -EFAULT
                                                        : (long)length;
    }
    free_pages((unsigned long)page, 0);
    return result;
}

SYSCALL_DEFINE1(umask, int, mask) {
    umode_t old = current->fs->umask;
    current->fs->umask = (umode_t)(mask & 0777);
    return old;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/proc/proc.h"
#include "kernel/task.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/vsprintf.h"

// /proc/<pid>/fd: a link for each descriptor. It leads to the open file itself, whatever the text
// says: a pipe has no path.

static unsigned int fd_of(const struct inode* inode) {
    return (unsigned int)(unsigned long)inode->i_private;
}

// The open file that the link stands for, held; NULL.
static struct file* get_proc_file(const struct inode* inode) {
    struct task_struct* p = get_proc_task(inode);
    if (p == NULL) {
        return NULL;
    }
    struct file* file = fget_task(p, fd_of(inode));
    put_task_struct(p);
    return file;
}

static int proc_fd_readlink(struct inode* inode, char* buf, int size) {
    struct file* file = get_proc_file(inode);
    if (file == NULL) {
        return -ENOENT;
    }
    const struct dentry* dentry = file->f_path.dentry;
    int length;
    if (dentry->d_parent == dentry && dentry->d_name.name[dentry->d_name.len - 1] == ':') {
        length = snprintf(buf, (size_t)size, "%s[%lu]", dentry->d_name.name, file->f_inode->i_ino);
    } else {
        const char* path = d_path(file->f_path.dentry, buf, size);
        length = IS_ERR(path) ? -ENAMETOOLONG : (int)strlen(path);
        if (length > 0) {
            memmove(buf, path, (size_t)length);
        }
    }
    fput(file);
    return length;
}

static struct dentry* proc_fd_follow(struct inode* inode) {
    struct file* file = get_proc_file(inode);
    if (file == NULL) {
        return ERR_PTR(-ENOENT);
    }
    struct dentry* dentry = dget(file->f_path.dentry);
    fput(file);
    return dentry;
}

static const struct inode_operations proc_fd_link_operations = {
    .readlink = proc_fd_readlink,
    .follow_link = proc_fd_follow,
};

static struct dentry* proc_fd_lookup(struct dentry* dir, const char* name, u32 len) {
    unsigned long fd = 0;
    for (u32 i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || len > 6) {
            return ERR_PTR(-ENOENT);
        }
        fd = fd * 10 + (unsigned long)(name[i] - '0');
    }
    struct inode* inode = proc_inode(S_IFLNK | 0700, (void*)fd, (pid_t)dir->d_inode->i_rdev);
    if (inode == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    inode->i_op = &proc_fd_link_operations;
    struct file* file = get_proc_file(inode);
    if (file == NULL) {
        iput(inode);
        return ERR_PTR(-ENOENT);
    }
    fput(file);
    return proc_dentry(dir, name, len, inode);
}

static int proc_fd_iterate(struct file* file, struct dir_context* ctx) {
    struct task_struct* p = get_proc_task(file->f_inode);
    while (p != NULL && ctx->pos < NR_OPEN_DEFAULT) {
        struct file* open = fget_task(p, (unsigned int)ctx->pos++);
        if (open == NULL) {
            continue;
        }
        fput(open);
        char name[12];
        u32 length = (u32)snprintf(name, sizeof(name), "%lld", ctx->pos - 1);
        if (!ctx->actor(ctx, name, length, 200000 + (u64)ctx->pos, S_IFLNK)) {
            ctx->pos--;
            break;
        }
    }
    if (p != NULL) {
        put_task_struct(p);
    }
    file->f_pos = ctx->pos;
    return 0;
}

const struct inode_operations proc_fd_inode_operations = {.lookup = proc_fd_lookup};
const struct file_operations proc_fd_operations = {.iterate_shared = proc_fd_iterate};

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "lib/string.h"

struct linux_dirent64 {
    u64 d_ino;
    s64 d_off;
    u16 d_reclen;
    u8 d_type;
    char d_name[];
};

struct getdents_callback64 {
    struct dir_context ctx;
    char __user* current_dir;
    size_t left;
    long result;
};

static bool filldir64(struct dir_context* ctx, const char* name, u32 len, u64 ino, umode_t mode) {
    struct getdents_callback64* buf = container_of(ctx, struct getdents_callback64, ctx);
    size_t header = offsetof(struct linux_dirent64, d_name);
    size_t reclen = (header + len + 1 + 7) & ~7UL;
    if (reclen > buf->left) {
        if (buf->result == 0) {
            buf->result = -EINVAL;
        }
        return false;
    }
    const struct linux_dirent64 entry = {
        .d_ino = ino,
        .d_off = ctx->pos,
        .d_reclen = (u16)reclen,
        .d_type = (u8)(mode >> 12),
    };
    if (copy_to_user(buf->current_dir, &entry, header) != 0 ||
        copy_to_user(buf->current_dir + header, name, len) != 0 ||
        clear_user(buf->current_dir + header + len, reclen - header - len) != 0) {
        buf->result = -EFAULT;
        return false;
    }
    buf->current_dir += reclen;
    buf->left -= reclen;
    buf->result += (long)reclen;
    return true;
}

SYSCALL_DEFINE3(getdents64, unsigned int, fd, char __user*, dirent, unsigned int, count) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    struct getdents_callback64 buf = {{filldir64, file->f_pos}, dirent, count, 0};
    long error = -ENOTDIR;
    if (file->f_op != NULL && file->f_op->iterate_shared != NULL) {
        inode_lock(file->f_inode);
        error = file->f_op->iterate_shared(file, &buf.ctx);
        inode_unlock(file->f_inode);
    }
    fput(file);
    return error != 0 ? error : buf.result;
}

// A directory whose entries are its dentries: each has a place that never changes, so that names
// may come and go while somebody reads.
static int dcache_readdir(struct file* file, struct dir_context* ctx) {
    struct dentry* dir = file->f_path.dentry;
    const struct dentry* parent = dir->d_covered != NULL ? dir->d_covered->d_parent : dir->d_parent;
    for (; ctx->pos < 2; file->f_pos = ctx->pos) {
        const struct dentry* dot = ctx->pos == 0 ? dir : parent;
        ctx->pos++;
        if (!ctx->actor(ctx, "..", (u32)ctx->pos, dot->d_inode->i_ino, S_IFDIR)) {
            return 0;
        }
    }
    struct dentry* dentry;
    list_for_each_entry(dentry, &dir->d_subdirs, d_child) {
        if (dentry->d_off <= file->f_pos) {
            continue;
        }
        ctx->pos = dentry->d_off;
        if (!ctx->actor(ctx, dentry->d_name.name, dentry->d_name.len, dentry->d_inode->i_ino,
                        dentry->d_inode->i_mode)) {
            return 0;
        }
        file->f_pos = dentry->d_off;
    }
    return 0;
}

const struct file_operations simple_dir_operations = {.iterate_shared = dcache_readdir};

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "lib/errno.h"

ssize_t vfs_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    if (!(file->f_mode & FMODE_READ)) {
        return -EBADF;
    }
    if (file->f_op == NULL || file->f_op->read == NULL) {
        return S_ISDIR(file->f_inode->i_mode) ? -EISDIR : -EINVAL;
    }
    return file->f_op->read(file, buf, count, pos);
}

ssize_t vfs_write(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    if (!(file->f_mode & FMODE_WRITE)) {
        return -EBADF;
    }
    if (file->f_op == NULL || file->f_op->write == NULL) {
        return -EINVAL;
    }
    return file->f_op->write(file, buf, count, pos);
}

ssize_t ksys_read(unsigned int fd, char __user* buf, size_t count) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    loff_t pos = file->f_pos;
    ssize_t done = vfs_read(file, buf, count, &pos);
    if (done > 0) {
        file->f_pos = pos;
    }
    fput(file);
    return done;
}

ssize_t ksys_write(unsigned int fd, const char __user* buf, size_t count) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    loff_t pos = file->f_pos;
    ssize_t done = vfs_write(file, buf, count, &pos);
    if (done > 0) {
        file->f_pos = pos;
    }
    fput(file);
    return done;
}

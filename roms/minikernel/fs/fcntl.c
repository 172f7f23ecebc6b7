// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"

#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_DUPFD_CLOEXEC 1030
#define SETFL_MASK (O_APPEND | O_NONBLOCK)

static long dup_from(unsigned int from, struct file* file, bool close_on_exec) {
    if (from >= NR_OPEN_DEFAULT) {
        return -EINVAL;
    }
    get_file(file);
    int fd = fd_install_from(from, file, close_on_exec);
    if (fd < 0) {
        fput(file);
    }
    return fd;
}

SYSCALL_DEFINE1(dup, unsigned int, fildes) {
    struct file* file = fget(fildes);
    if (file == NULL) {
        return -EBADF;
    }
    long fd = dup_from(0, file, false);
    fput(file);
    return fd;
}

static long do_dup3(unsigned int oldfd, unsigned int newfd, bool close_on_exec) {
    struct file* file = fget(oldfd);
    if (file == NULL) {
        return -EBADF;
    }
    long fd = replace_fd(newfd, file, close_on_exec);
    fput(file);
    return fd;
}

SYSCALL_DEFINE2(dup2, unsigned int, oldfd, unsigned int, newfd) {
    if (oldfd == newfd) {
        struct file* file = fget(oldfd);
        if (file == NULL) {
            return -EBADF;
        }
        fput(file);
        return newfd;
    }
    return do_dup3(oldfd, newfd, false);
}

SYSCALL_DEFINE3(dup3, unsigned int, oldfd, unsigned int, newfd, int, flags) {
    if ((flags & ~O_CLOEXEC) || oldfd == newfd) {
        return -EINVAL;
    }
    return do_dup3(oldfd, newfd, flags & O_CLOEXEC);
}

static long do_fcntl(unsigned int fd, unsigned int cmd, unsigned long arg, struct file* file) {
    switch (cmd) {
        case F_DUPFD: return dup_from((unsigned int)arg, file, false);
        case F_DUPFD_CLOEXEC: return dup_from((unsigned int)arg, file, true);
        case F_GETFD: return get_close_on_exec(fd);
        case F_SETFD: set_close_on_exec(fd, arg & 1); return 0;
        case F_GETFL:
            return file->f_flags & ~(unsigned int)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
        case F_SETFL:
            file->f_flags = (file->f_flags & ~(unsigned int)SETFL_MASK) |
                            ((unsigned int)arg & SETFL_MASK);
            return 0;
        default: return -EINVAL;
    }
}

SYSCALL_DEFINE3(fcntl, unsigned int, fd, unsigned int, cmd, unsigned long, arg) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    long result = do_fcntl(fd, cmd, arg, file);
    fput(file);
    return result;
}

SYSCALL_DEFINE3(ioctl, unsigned int, fd, unsigned int, cmd, unsigned long, arg) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    long result = file->f_op != NULL && file->f_op->unlocked_ioctl != NULL
                      ? file->f_op->unlocked_ioctl(file, cmd, arg)
                      : -ENOTTY;
    fput(file);
    return result;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"

static fmode_t open_fmode(unsigned int flags) {
    switch (flags & O_ACCMODE) {
        case O_RDONLY: return FMODE_READ;
        case O_WRONLY: return FMODE_WRITE;
        default: return FMODE_READ | FMODE_WRITE;
    }
}

static int change_writecount(struct inode* inode, int by) {
    int count = READ_ONCE(inode->i_writecount);
    do {
        if (count * by < 0) {
            return -ETXTBSY;
        }
    } while (!__atomic_compare_exchange_n(&inode->i_writecount, &count, count + by, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 0;
}

int get_write_access(struct inode* inode) { return change_writecount(inode, 1); }

int deny_write_access(struct file* file) {
    int error = change_writecount(file->f_inode, -1);
    if (error == 0) {
        file->f_mode |= FMODE_EXEC;
    }
    return error;
}

void put_access(struct file* file) {
    if (file->f_inode != NULL && S_ISREG(file->f_inode->i_mode)) {
        int by = (file->f_mode & FMODE_EXEC ? 1 : 0) - (file->f_mode & FMODE_WRITE ? 1 : 0);
        __atomic_add_fetch(&file->f_inode->i_writecount, by, __ATOMIC_RELAXED);
    }
}

static int do_dentry_open(struct file* file, struct inode* inode) {
    file->f_inode = inode;
    file->f_op = inode->i_fop;
    file->f_mode = open_fmode(file->f_flags);
    if ((file->f_mode & FMODE_WRITE) && S_ISREG(inode->i_mode) && get_write_access(inode) != 0) {
        file->f_mode = 0;
        file->f_op = NULL;
        return -ETXTBSY;
    }
    if (file->f_op == NULL && S_ISCHR(inode->i_mode)) {
        return -ENXIO;
    }
    int error = 0;
    if (file->f_op != NULL && file->f_op->open != NULL) {
        error = file->f_op->open(inode, file);
        if (error != 0) {
            file->f_op = NULL;  // nothing to release
        }
    }
    return error;
}

int vfs_open(const struct path* path, struct file* file) {
    file->f_path.dentry = dget(path->dentry);
    return do_dentry_open(file, path->dentry->d_inode);
}

long do_sys_openat2(int dfd, const char __user* filename, struct open_how* how) {
    if ((how->flags & O_ACCMODE) == O_ACCMODE || how->resolve != 0) {
        return -EINVAL;
    }
    struct filename* name = getname(filename);
    if (IS_ERR(name)) {
        return PTR_ERR(name);
    }
    struct file* file = do_filp_open(dfd, name, (int)how->flags,
                                     (umode_t)(S_IFREG | (how->mode & 07777)));
    putname(name);
    if (IS_ERR(file)) {
        return PTR_ERR(file);
    }
    int fd = fd_install_lowest(file);
    if (fd < 0) {
        fput(file);
    }
    return fd;
}

static long do_sys_open(int dfd, const char __user* filename, int flags, umode_t mode) {
    struct open_how how = {.flags = (unsigned int)flags,
                           .mode = (umode_t)(mode & ~current->fs->umask)};
    return do_sys_openat2(dfd, filename, &how);
}

SYSCALL_DEFINE3(open, const char __user*, filename, int, flags, umode_t, mode) {
    return do_sys_open(AT_FDCWD, filename, flags, mode);
}

SYSCALL_DEFINE4(openat, int, dfd, const char __user*, filename, int, flags, umode_t, mode) {
    return do_sys_open(dfd, filename, flags, mode);
}

SYSCALL_DEFINE2(creat, const char __user*, pathname, umode_t, mode) {
    return do_sys_open(AT_FDCWD, pathname, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SYSCALL_DEFINE1(close, unsigned int, fd) { return close_fd(fd); }

static long do_faccessat(int dfd, const char __user* filename, int mode, unsigned int at_flags) {
    if (mode & ~7) {
        return -EINVAL;
    }
    struct dentry* dentry = user_path_at(dfd, filename, at_flags,
                                         at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    umode_t bits = dentry->d_inode->i_mode;
    dput(dentry);
    // Everybody is root here, who may do anything but run what nobody may.
    return (mode & 1) && !S_ISDIR(bits) && !(bits & 0111) ? -EACCES : 0;
}

SYSCALL_DEFINE2(access, const char __user*, filename, int, mode) {
    return do_faccessat(AT_FDCWD, filename, mode, 0);
}

SYSCALL_DEFINE3(faccessat, int, dfd, const char __user*, filename, int, mode) {
    return do_faccessat(dfd, filename, mode, 0);
}

SYSCALL_DEFINE4(faccessat2, int, dfd, const char __user*, filename, int, mode, unsigned int,
                flags) {
    return do_faccessat(dfd, filename, mode, flags);
}

static long do_truncate(struct inode* inode, loff_t length) {
    if (S_ISDIR(inode->i_mode)) {
        return -EISDIR;
    }
    if (length < 0 || inode->i_op == NULL || inode->i_op->truncate == NULL) {
        return -EINVAL;
    }
    if (READ_ONCE(inode->i_writecount) < 0) {
        return -ETXTBSY;
    }
    inode_lock(inode);
    inode->i_op->truncate(inode, length);
    inode_unlock(inode);
    return 0;
}

SYSCALL_DEFINE2(truncate, const char __user*, path, long, length) {
    struct dentry* dentry = user_path_at(AT_FDCWD, path, 0, LOOKUP_FOLLOW);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    long error = do_truncate(dentry->d_inode, length);
    dput(dentry);
    return error;
}

SYSCALL_DEFINE2(ftruncate, unsigned int, fd, long, length) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    long error = file->f_mode & FMODE_WRITE ? do_truncate(file->f_inode, length) : -EINVAL;
    fput(file);
    return error;
}

SYSCALL_DEFINE4(fallocate, unsigned int, fd, int, mode, long, offset, long, length) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    struct inode* inode = file->f_inode;
    long error = offset < 0 || length <= 0 || offset > MAX_FILE_BYTES - length       ? -EINVAL
                 : !(file->f_mode & FMODE_WRITE)                                     ? -EBADF
                 : mode != 0 || inode->i_op == NULL || inode->i_op->truncate == NULL ? -EOPNOTSUPP
                                                                                     : 0;
    // The pages come when they are written.
    if (error == 0 && offset + length > inode->i_size) {
        error = do_truncate(inode, offset + length);
    }
    fput(file);
    return error;
}

static long chmod_common(struct dentry* dentry, umode_t mode) {
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    struct inode* inode = dentry->d_inode;
    inode->i_mode = (umode_t)((inode->i_mode & S_IFMT) | (mode & 07777));
    inode->i_ctime = current_time();
    dput(dentry);
    return 0;
}

SYSCALL_DEFINE2(chmod, const char __user*, filename, umode_t, mode) {
    return chmod_common(user_path_at(AT_FDCWD, filename, 0, LOOKUP_FOLLOW), mode);
}

SYSCALL_DEFINE3(fchmodat, int, dfd, const char __user*, filename, umode_t, mode) {
    return chmod_common(user_path_at(dfd, filename, 0, LOOKUP_FOLLOW), mode);
}

SYSCALL_DEFINE2(fchmod, unsigned int, fd, umode_t, mode) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    long error = chmod_common(dget(file->f_path.dentry), mode);
    fput(file);
    return error;
}

static long chown_common(struct dentry* dentry, unsigned int user, unsigned int group) {
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    if (user != ~0u) {
        dentry->d_inode->i_uid = user;
    }
    if (group != ~0u) {
        dentry->d_inode->i_gid = group;
    }
    dentry->d_inode->i_ctime = current_time();
    dput(dentry);
    return 0;
}

SYSCALL_DEFINE3(chown, const char __user*, filename, unsigned int, user, unsigned int, group) {
    return chown_common(user_path_at(AT_FDCWD, filename, 0, LOOKUP_FOLLOW), user, group);
}

SYSCALL_DEFINE3(lchown, const char __user*, filename, unsigned int, user, unsigned int, group) {
    return chown_common(user_path_at(AT_FDCWD, filename, 0, 0), user, group);
}

SYSCALL_DEFINE5(fchownat, int, dfd, const char __user*, filename, unsigned int, user, unsigned int,
                group, int, flag) {
    return chown_common(user_path_at(dfd, filename, (unsigned int)flag,
                                     flag & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW),
                        user, group);
}

SYSCALL_DEFINE3(fchown, unsigned int, fd, unsigned int, user, unsigned int, group) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    long error = chown_common(dget(file->f_path.dentry), user, group);
    fput(file);
    return error;
}

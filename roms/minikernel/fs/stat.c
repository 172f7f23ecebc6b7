// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/slab.h"

struct stat {
    u64 st_dev, st_ino, st_nlink;
    u32 st_mode, st_uid, st_gid, pad0;
    u64 st_rdev;
    s64 st_size, st_blksize, st_blocks;
    u64 st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
    s64 unused[3];
};

static_assert(sizeof(struct stat) == 144, "Linux's x86-64 struct stat");

// <linux/kdev_t.h>: what user space calls a device number.
static u64 new_encode_dev(u32 dev) {
    return (MINOR(dev) & 0xff) | MAJOR(dev) << 8 | (u64)(MINOR(dev) & ~0xffu) << 12;
}

u32 new_decode_dev(u64 dev) {
    return MKDEV((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static long cp_new_stat(const struct inode* inode, struct stat __user* statbuf) {
    const struct stat st = {
        .st_dev = 1,
        .st_ino = inode->i_ino,
        .st_nlink = inode->i_nlink,
        .st_mode = inode->i_mode,
        .st_uid = inode->i_uid,
        .st_gid = inode->i_gid,
        .st_rdev = new_encode_dev(inode->i_rdev),
        .st_size = inode->i_size,
        .st_blksize = PAGE_SIZE,
        .st_blocks = (inode->i_size + (loff_t)PAGE_SIZE - 1) / (loff_t)PAGE_SIZE * 8,
        .st_atime = (u64)inode->i_atime.tv_sec,
        .st_atime_nsec = (u64)inode->i_atime.tv_nsec,
        .st_mtime = (u64)inode->i_mtime.tv_sec,
        .st_mtime_nsec = (u64)inode->i_mtime.tv_nsec,
        .st_ctime = (u64)inode->i_ctime.tv_sec,
        .st_ctime_nsec = (u64)inode->i_ctime.tv_nsec,
    };
    return copy_to_user(statbuf, &st, sizeof(st)) != 0 ? -EFAULT : 0;
}

static long vfs_statx_path(int dfd, const char __user* filename, unsigned int at_flags,
                           struct stat __user* statbuf) {
    struct dentry* dentry = user_path_at(dfd, filename, at_flags,
                                         at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    long error = cp_new_stat(dentry->d_inode, statbuf);
    dput(dentry);
    return error;
}

SYSCALL_DEFINE2(stat, const char __user*, filename, struct stat __user*, statbuf) {
    return vfs_statx_path(AT_FDCWD, filename, 0, statbuf);
}

SYSCALL_DEFINE2(lstat, const char __user*, filename, struct stat __user*, statbuf) {
    return vfs_statx_path(AT_FDCWD, filename, AT_SYMLINK_NOFOLLOW, statbuf);
}

SYSCALL_DEFINE4(newfstatat, int, dfd, const char __user*, filename, struct stat __user*, statbuf,
                unsigned int, flag) {
    return vfs_statx_path(dfd, filename, flag, statbuf);
}

SYSCALL_DEFINE2(fstat, unsigned int, fd, struct stat __user*, statbuf) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    long error = cp_new_stat(file->f_inode, statbuf);
    fput(file);
    return error;
}

struct statx_timestamp {
    s64 tv_sec;
    u32 tv_nsec, pad;
};

struct statx {
    u32 stx_mask, stx_blksize;
    u64 stx_attributes;
    u32 stx_nlink, stx_uid, stx_gid;
    u16 stx_mode, pad;
    u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
    struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
    u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
    u64 rest[14];
};

static_assert(sizeof(struct statx) == 256, "Linux's struct statx");

#define STATX_BASIC_STATS 0x7ffu

static struct statx_timestamp to_statx(struct timespec64 t) {
    return (struct statx_timestamp){t.tv_sec, (u32)t.tv_nsec, 0};
}

SYSCALL_DEFINE5(statx, int, dfd, const char __user*, filename, unsigned int, flags, unsigned int,
                mask, struct statx __user*, buffer) {
    (void)mask;  // everything is at hand
    struct dentry* dentry = user_path_at(dfd, filename, flags,
                                         flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    const struct inode* inode = dentry->d_inode;
    const struct statx st = {
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = PAGE_SIZE,
        .stx_nlink = inode->i_nlink,
        .stx_uid = inode->i_uid,
        .stx_gid = inode->i_gid,
        .stx_mode = (u16)inode->i_mode,
        .stx_ino = inode->i_ino,
        .stx_size = (u64)inode->i_size,
        .stx_blocks = ((u64)inode->i_size + PAGE_SIZE - 1) / PAGE_SIZE * 8,
        .stx_atime = to_statx(inode->i_atime),
        .stx_ctime = to_statx(inode->i_ctime),
        .stx_mtime = to_statx(inode->i_mtime),
        .stx_rdev_major = MAJOR(inode->i_rdev),
        .stx_rdev_minor = MINOR(inode->i_rdev),
        .stx_dev_minor = 1,
    };
    dput(dentry);
    return copy_to_user(buffer, &st, sizeof(st)) != 0 ? -EFAULT : 0;
}

static long do_readlinkat(int dfd, const char __user* path, char __user* buf, int size) {
    if (size <= 0) {
        return -EINVAL;
    }
    struct dentry* dentry = user_path_at(dfd, path, 0, 0);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    long result = -EINVAL;
    if (S_ISLNK(dentry->d_inode->i_mode)) {
        char* text = kmalloc(PATH_MAX, GFP_KERNEL);
        result = text == NULL
                     ? -ENOMEM
                     : dentry->d_inode->i_op->readlink(dentry->d_inode, text, min(size, PATH_MAX));
        if (result > 0 && copy_to_user(buf, text, (size_t)result) != 0) {
            result = -EFAULT;
        }
        kfree(text);
    }
    dput(dentry);
    return result;
}

SYSCALL_DEFINE3(readlink, const char __user*, path, char __user*, buf, int, size) {
    return do_readlinkat(AT_FDCWD, path, buf, size);
}

SYSCALL_DEFINE4(readlinkat, int, dfd, const char __user*, path, char __user*, buf, int, size) {
    return do_readlinkat(dfd, path, buf, size);
}

struct statfs {
    s64 f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_fsid, f_namelen, f_frsize,
        f_flags, spare[4];
};

static long do_statfs(struct statfs __user* buf) {
    const struct statfs st = {
        .f_type = 0x858458f6,  // RAMFS_MAGIC
        .f_bsize = PAGE_SIZE,
        .f_namelen = NAME_MAX,
        .f_frsize = PAGE_SIZE,
    };
    return copy_to_user(buf, &st, sizeof(st)) != 0 ? -EFAULT : 0;
}

SYSCALL_DEFINE2(statfs, const char __user*, path, struct statfs __user*, buf) {
    struct dentry* dentry = user_path_at(AT_FDCWD, path, 0, LOOKUP_FOLLOW);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    dput(dentry);
    return do_statfs(buf);
}

SYSCALL_DEFINE2(fstatfs, unsigned int, fd, struct statfs __user*, buf) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    fput(file);
    return do_statfs(buf);
}

#define UTIME_NOW 0x3fffffffL
#define UTIME_OMIT 0x3ffffffeL

static void set_time(struct timespec64* time, const struct timespec64* wanted) {
    if (wanted->tv_nsec == UTIME_NOW) {
        *time = current_time();
    } else if (wanted->tv_nsec != UTIME_OMIT) {
        *time = *wanted;
    }
}

SYSCALL_DEFINE4(utimensat, int, dfd, const char __user*, filename, const struct timespec64 __user*,
                utimes, unsigned int, flags) {
    struct timespec64 times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    if (utimes != NULL && copy_from_user(times, utimes, sizeof(times)) != 0) {
        return -EFAULT;
    }
    struct dentry* dentry = filename == NULL
                                ? dentry_of_fd(dfd)
                                : user_path_at(dfd, filename, flags,
                                               flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
    if (IS_ERR(dentry)) {
        return PTR_ERR(dentry);
    }
    set_time(&dentry->d_inode->i_atime, &times[0]);
    set_time(&dentry->d_inode->i_mtime, &times[1]);
    dentry->d_inode->i_ctime = current_time();
    dput(dentry);
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "lib/errno.h"

static fmode_t open_fmode(unsigned int flags) {
    switch (flags & O_ACCMODE) {
        case O_RDONLY: return FMODE_READ;
        case O_WRONLY: return FMODE_WRITE;
        default: return FMODE_READ | FMODE_WRITE;
    }
}

static int do_dentry_open(struct file* file, struct inode* inode) {
    file->f_inode = inode;
    file->f_op = inode->i_fop;
    file->f_mode = open_fmode(file->f_flags);
    return 0;
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
                                     (umode_t)(S_IFREG | (how->mode & 0777)));
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

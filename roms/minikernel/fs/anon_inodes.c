// SPDX-License-Identifier: GPL-2.0-only
#include "fs/anon_inodes.h"

#include "fs/file.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"

static struct dentry* new_dentry(const char* name) {
    struct inode* inode = new_inode(0600);
    struct dentry* dentry = d_alloc(NULL, name, (u32)strlen(name));
    if (inode == NULL || IS_ERR(dentry)) {
        if (inode != NULL) {
            iput(inode);
        }
        if (!IS_ERR(dentry)) {
            dput(dentry);
        }
        return NULL;
    }
    dentry->d_inode = inode;
    return dentry;
}

int anon_inode_getfd(const char* name, const struct file_operations* fops, void* data, int flags) {
    struct file* file = alloc_empty_file();
    struct dentry* dentry = file == NULL ? NULL : new_dentry(name);
    if (dentry == NULL) {
        if (file != NULL) {
            fput(file);
        }
        return -ENOMEM;
    }
    file->f_path.dentry = dentry;
    file->f_inode = dentry->d_inode;
    file->f_flags = (unsigned int)(flags | O_RDWR);
    file->f_mode = FMODE_READ | FMODE_WRITE;
    int fd = fd_install_lowest(file);
    if (fd < 0) {
        fput(file);
        return fd;
    }
    // Another thread may have used the descriptor already: it finds no operations.
    file->private_data = data;
    __atomic_store_n(&file->f_op, fops, __ATOMIC_RELEASE);
    return fd;
}

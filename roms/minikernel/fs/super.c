// SPDX-License-Identifier: GPL-2.0-only
#include "fs/fs.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/errno.h"

struct dentry* root_dentry;

static void make_directory(const char* path) {
    struct filename* name = getname(path);
    int error = do_mkdirat(AT_FDCWD, name, 0755);
    putname(name);
    if (error != 0) {
        panic("vfs_caches_init: %s: error %d", path, error);
    }
}

static void make_device(const char* path, u32 dev, const struct file_operations* fops) {
    struct filename* name = getname(path);
    int error = do_mknodat(AT_FDCWD, name, S_IFCHR | 0666, dev, fops);
    putname(name);
    if (error != 0) {
        panic("vfs_caches_init: %s: error %d", path, error);
    }
}

void vfs_caches_init(void) {
    struct inode* root = new_inode(S_IFDIR | 0755);
    root->i_fop = &simple_dir_operations;
    root->i_op = &ramfs_dir_inode_operations;
    root_dentry = d_alloc(NULL, "/", 1);
    root_dentry->d_inode = root;
    init_fs.pwd = root_dentry;
    make_directory("/dev");
    make_device("/dev/console", MKDEV(5, 1), &console_fops);
    make_device("/dev/null", MKDEV(1, 3), &null_fops);
    make_device("/dev/zero", MKDEV(1, 5), &zero_fops);
    make_directory("/tmp");
    printk("VFS: mounted root (ramfs filesystem)\n");
}

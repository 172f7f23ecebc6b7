// SPDX-License-Identifier: GPL-2.0-only
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

struct inode* new_inode(umode_t mode) {
    static unsigned long last_ino;
    struct inode* inode = kmalloc(sizeof(*inode), GFP_KERNEL | __GFP_ZERO);
    if (inode == NULL) {
        return NULL;
    }
    inode->i_mode = mode;
    inode->i_nlink = 1;
    inode->i_count = 1;
    inode->i_ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    mutex_init(&inode->i_rwsem);
    return inode;
}

void iput(struct inode* inode) {
    if (__atomic_sub_fetch(&inode->i_count, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (inode->i_op != NULL && inode->i_op->evict != NULL) {
        inode->i_op->evict(inode);
    }
    kfree(inode);
}

struct dentry* d_alloc(struct dentry* parent, const char* name, u32 len) {
    if (len > NAME_MAX) {
        return ERR_PTR(-ENAMETOOLONG);
    }
    struct dentry* dentry = kmalloc(sizeof(*dentry), GFP_KERNEL | __GFP_ZERO);
    if (dentry == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    memcpy(dentry->d_iname, name, len);
    dentry->d_name = (struct qstr){len, dentry->d_iname};
    dentry->d_parent = parent != NULL ? dget(parent) : dentry;
    dentry->d_count = 1;
    INIT_LIST_HEAD(&dentry->d_child);
    INIT_LIST_HEAD(&dentry->d_subdirs);
    return dentry;
}

struct dentry* dget(struct dentry* dentry) {
    __atomic_add_fetch(&dentry->d_count, 1, __ATOMIC_RELAXED);
    return dentry;
}

void dput(struct dentry* dentry) {
    while (__atomic_sub_fetch(&dentry->d_count, 1, __ATOMIC_ACQ_REL) == 0) {
        struct dentry* parent = dentry->d_parent;
        if (dentry->d_inode != NULL) {
            iput(dentry->d_inode);
        }
        kfree(dentry);
        if (parent == dentry) {
            return;
        }
        dentry = parent;
    }
}

void d_instantiate(struct dentry* dentry, struct inode* inode) {
    dentry->d_inode = inode;
    list_add_tail(&dget(dentry)->d_child, &dentry->d_parent->d_subdirs);
}

void d_drop(struct dentry* dentry) {
    list_del_init(&dentry->d_child);
    dput(dentry);
}

struct dentry* d_lookup(const struct dentry* parent, const char* name, u32 len) {
    struct dentry* dentry;
    list_for_each_entry(dentry, &parent->d_subdirs, d_child) {
        if (dentry->d_name.len == len && memcmp(dentry->d_name.name, name, len) == 0) {
            return dget(dentry);
        }
    }
    return NULL;
}

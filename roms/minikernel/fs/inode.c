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
    inode->i_nlink = S_ISDIR(mode) ? 2 : 1;
    inode->i_count = 1;
    inode->i_ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    inode->i_atime = inode->i_mtime = inode->i_ctime = current_time();
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

static int set_name(struct dentry* dentry, const char* name, u32 len) {
    char* text = dentry->d_iname;
    if (len >= DNAME_INLINE_LEN) {
        text = kmalloc(len + 1, GFP_KERNEL);
        if (text == NULL) {
            return -ENOMEM;
        }
    }
    memcpy(text, name, len);
    text[len] = '\0';
    dentry->d_name = (struct qstr){len, text};
    return 0;
}

static void free_name(const char* text, const struct dentry* dentry) {
    if (text != dentry->d_iname) {
        kfree(text);
    }
}

struct dentry* d_alloc(struct dentry* parent, const char* name, u32 len) {
    if (len > NAME_MAX) {
        return ERR_PTR(-ENAMETOOLONG);
    }
    struct dentry* dentry = kmalloc(sizeof(*dentry), GFP_KERNEL | __GFP_ZERO);
    if (dentry == NULL || set_name(dentry, name, len) != 0) {
        kfree(dentry);
        return ERR_PTR(-ENOMEM);
    }
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
        free_name(dentry->d_name.name, dentry);
        kfree(dentry);
        if (parent == dentry) {
            return;
        }
        dentry = parent;
    }
}

static void add_to_parent(struct dentry* dentry) {
    static loff_t last_off = 2;  // behind . and ..
    dentry->d_off = __atomic_add_fetch(&last_off, 1, __ATOMIC_RELAXED);
    list_add_tail(&dget(dentry)->d_child, &dentry->d_parent->d_subdirs);
}

void d_instantiate(struct dentry* dentry, struct inode* inode) {
    dentry->d_inode = inode;
    add_to_parent(dentry);
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

// Who goes up from a dentry must not find it in the middle of a move.
static spinlock_t rename_lock;

struct dentry* dget_parent(struct dentry* dentry) {
    spin_lock(&rename_lock);
    struct dentry* parent = dget(dentry->d_parent);
    spin_unlock(&rename_lock);
    return parent;
}

static int __d_move(struct dentry* dentry, struct dentry* parent, const char* name, u32 len) {
    char kept[DNAME_INLINE_LEN];
    const char* old = dentry->d_name.name;
    u32 old_len = dentry->d_name.len;
    memcpy(kept, dentry->d_iname, sizeof(kept));
    if (set_name(dentry, name, len) != 0) {
        memcpy(dentry->d_iname, kept, sizeof(kept));
        dentry->d_name = (struct qstr){old_len, old};
        return -ENOMEM;
    }
    free_name(old, dentry);
    list_del_init(&dentry->d_child);
    dentry->d_parent = dget(parent);
    add_to_parent(dentry);
    return 0;
}

int d_move(struct dentry* dentry, struct dentry* parent, const char* name, u32 len) {
    spin_lock(&rename_lock);
    struct dentry* old_parent = dentry->d_parent;
    int error = __d_move(dentry, parent, name, len);
    spin_unlock(&rename_lock);
    if (error == 0) {
        dput(dentry);  // its place in the old directory
        dput(old_parent);
    }
    return error;
}

static char* prepend_path(const struct dentry* dentry, char* buf, int size) {
    char* at = buf + size;
    *--at = '\0';
    while (dentry != root_dentry) {
        if (dentry->d_covered != NULL) {
            dentry = dentry->d_covered;
            continue;
        }
        int length = (int)dentry->d_name.len;
        if (at - buf < length + 1) {
            return ERR_PTR(-ERANGE);
        }
        at -= length;
        memcpy(at, dentry->d_name.name, (size_t)length);
        if (dentry->d_parent == dentry) {
            return at;  // of no tree: a pipe
        }
        *--at = '/';
        dentry = dentry->d_parent;
    }
    if (*at == '\0') {
        *--at = '/';
    }
    return at;
}

char* d_path(struct dentry* dentry, char* buf, int size) {
    spin_lock(&rename_lock);
    char* path = prepend_path(dentry, buf, size);
    spin_unlock(&rename_lock);
    return path;
}

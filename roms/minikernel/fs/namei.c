// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/maccess.h"
#include "mm/slab.h"

// From a path to a dentry. Every path starts at the root; there are no links and no mounts yet.

struct filename* getname(const char __user* filename) {
    struct filename* result = kmalloc(sizeof(*result), GFP_KERNEL);
    if (result == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    long length = strncpy_from_kernel_nofault(result->iname, filename, PATH_MAX);
    if (length <= 1 || length == PATH_MAX) {
        kfree(result);
        return ERR_PTR(length < 0 ? length : length == PATH_MAX ? -ENAMETOOLONG : -ENOENT);
    }
    result->name = result->iname;
    return result;
}

void putname(struct filename* name) { kfree(name); }

static u32 component_length(const char* name) {
    u32 length = 0;
    while (name[length] != '\0' && name[length] != '/') {
        length++;
    }
    return length;
}

static struct dentry* lookup_slow(struct dentry* parent, const char* name, u32 len) {
    inode_lock(parent->d_inode);
    struct dentry* dentry = d_lookup(parent, name, len);
    inode_unlock(parent->d_inode);
    return dentry != NULL ? dentry : ERR_PTR(-ENOENT);
}

// Walks all but the last component, which is left in *last.
static struct dentry* link_path_walk(const char* name, struct qstr* last) {
    struct dentry* at = dget(root_dentry);
    for (;;) {
        while (*name == '/') {
            name++;
        }
        u32 length = component_length(name);
        const char* rest = name + length;
        while (*rest == '/') {
            rest++;
        }
        if (*rest == '\0') {
            *last = (struct qstr){length, name};
            return at;
        }
        struct dentry* next = lookup_slow(at, name, length);
        dput(at);
        if (IS_ERR(next)) {
            return next;
        }
        if (!S_ISDIR(next->d_inode->i_mode)) {
            dput(next);
            return ERR_PTR(-ENOTDIR);
        }
        at = next;
        name = rest;
    }
}

// Adds a name to `dir`, whose lock is held.
static struct dentry* create_in(struct dentry* dir, const struct qstr* name, umode_t mode) {
    struct dentry* dentry = d_alloc(dir, name->name, name->len);
    if (IS_ERR(dentry)) {
        return dentry;
    }
    int error = dir->d_inode->i_op->create(dir->d_inode, dentry, mode);
    if (error != 0) {
        dput(dentry);
        return ERR_PTR(error);
    }
    return dentry;
}

static struct dentry* open_last_lookup(struct dentry* dir, const struct qstr* last, int open_flag,
                                       umode_t mode) {
    if (last->len == 0) {
        return dget(dir);
    }
    inode_lock(dir->d_inode);
    struct dentry* dentry = d_lookup(dir, last->name, last->len);
    if (dentry != NULL && (open_flag & O_CREAT) && (open_flag & O_EXCL)) {
        dput(dentry);
        dentry = ERR_PTR(-EEXIST);
    } else if (dentry == NULL) {
        dentry = (open_flag & O_CREAT) ? create_in(dir, last, mode) : ERR_PTR(-ENOENT);
    }
    inode_unlock(dir->d_inode);
    return dentry;
}

static int may_open(const struct dentry* dentry, int open_flag) {
    if (S_ISDIR(dentry->d_inode->i_mode) && (open_flag & O_ACCMODE) != O_RDONLY) {
        return -EISDIR;
    }
    return 0;
}

static void handle_truncate(struct inode* inode) {
    if (inode->i_op != NULL && inode->i_op->truncate != NULL) {
        inode_lock(inode);
        inode->i_op->truncate(inode);
        inode_unlock(inode);
    }
}

static int do_open(struct file* file, struct dentry* dentry, int open_flag) {
    int error = may_open(dentry, open_flag);
    if (error != 0) {
        return error;
    }
    const struct path path = {dentry};
    file->f_flags = (unsigned int)open_flag;
    error = vfs_open(&path, file);
    if (error == 0 && (open_flag & O_TRUNC)) {
        handle_truncate(file->f_inode);
    }
    return error;
}

static struct file* path_openat(const char* name, int open_flag, umode_t mode) {
    struct qstr last;
    struct dentry* dir = link_path_walk(name, &last);
    if (IS_ERR(dir)) {
        return ERR_PTR(PTR_ERR(dir));
    }
    struct dentry* dentry = open_last_lookup(dir, &last, open_flag, mode);
    dput(dir);
    if (IS_ERR(dentry)) {
        return ERR_PTR(PTR_ERR(dentry));
    }
    struct file* file = alloc_empty_file();
    int error = file == NULL ? -ENOMEM : do_open(file, dentry, open_flag);
    dput(dentry);
    if (error != 0) {
        if (file != NULL) {
            fput(file);
        }
        return ERR_PTR(error);
    }
    return file;
}

struct file* do_filp_open(int dfd, struct filename* pathname, int open_flag, umode_t mode) {
    (void)dfd;
    return path_openat(pathname->name, open_flag, mode);
}

// A new, last component of `name` with `mode`; the caller puts the dentry.
static struct dentry* filename_create(struct filename* name, umode_t mode) {
    struct qstr last;
    struct dentry* dir = link_path_walk(name->name, &last);
    if (IS_ERR(dir)) {
        return dir;
    }
    struct dentry* dentry = last.len == 0 ? ERR_PTR(-EEXIST)
                                          : open_last_lookup(dir, &last, O_CREAT | O_EXCL, mode);
    dput(dir);
    return dentry;
}

int do_mkdirat(int dfd, struct filename* name, umode_t mode) {
    (void)dfd;
    struct dentry* dentry = filename_create(name, (umode_t)(S_IFDIR | (mode & 0777)));
    if (IS_ERR(dentry)) {
        return (int)PTR_ERR(dentry);
    }
    dput(dentry);
    return 0;
}

int do_mknodat(int dfd, struct filename* name, const struct file_operations* fops) {
    (void)dfd;
    struct dentry* dentry = filename_create(name, S_IFCHR | 0666);
    if (IS_ERR(dentry)) {
        return (int)PTR_ERR(dentry);
    }
    dentry->d_inode->i_fop = fops;
    dput(dentry);
    return 0;
}

// With the directory's lock held.
static int vfs_unlink(struct inode* dir, struct dentry* dentry) {
    if (S_ISDIR(dentry->d_inode->i_mode)) {
        return -EISDIR;
    }
    return dir->i_op->unlink(dir, dentry);
}

int do_unlinkat(int dfd, struct filename* name) {
    (void)dfd;
    struct qstr last;
    struct dentry* dir = link_path_walk(name->name, &last);
    if (IS_ERR(dir)) {
        return (int)PTR_ERR(dir);
    }
    inode_lock(dir->d_inode);
    struct dentry* dentry = d_lookup(dir, last.name, last.len);
    int error = dentry == NULL ? -ENOENT : vfs_unlink(dir->d_inode, dentry);
    inode_unlock(dir->d_inode);
    if (dentry != NULL) {
        dput(dentry);
    }
    dput(dir);
    return error;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

// From a path to a dentry.

#define MAXSYMLINKS 40

struct filename* getname(const char __user* filename) {
    struct filename* result = kmalloc(sizeof(*result), GFP_KERNEL);
    if (result == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    long size = sizeof(result->iname);
    long length = strncpy_from_user(result->iname, filename, size);
    if (length <= 0 || length == size) {
        kfree(result);
        return ERR_PTR(length < 0 ? length : length == size ? -ENAMETOOLONG : -ENOENT);
    }
    result->name = result->iname;
    return result;
}

struct filename* getname_kernel(const char* filename) {
    struct filename* result = kmalloc(sizeof(*result), GFP_KERNEL);
    if (result == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    strscpy(result->iname, filename, sizeof(result->iname));
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

static struct dentry* walk(struct dentry* at, const char* name, unsigned int flags, int depth);

// Where a path starts, held.
static struct dentry* path_init(int dfd, const char* name) {
    if (name[0] == '/') {
        return dget(root_dentry);
    }
    if (dfd == AT_FDCWD) {
        return get_task_pwd(current);
    }
    struct file* file = fget((unsigned int)dfd);
    if (file == NULL) {
        return ERR_PTR(-EBADF);
    }
    struct dentry* dentry = file->f_path.dentry;
    dentry = dentry != NULL && S_ISDIR(dentry->d_inode->i_mode) ? dget(dentry) : ERR_PTR(-ENOTDIR);
    fput(file);
    return dentry;
}

// What is mounted on it, instead of the dentry itself.
static struct dentry* traverse_mounts(struct dentry* dentry) {
    struct dentry* root;
    while ((root = get_mounted(dentry)) != NULL) {
        dput(dentry);
        dentry = root;
    }
    return dentry;
}

static struct dentry* follow_dotdot(struct dentry* dir) {
    while (dir->d_covered != NULL) {
        dir = dir->d_covered;
    }
    return traverse_mounts(dget_parent(dir));
}

// With the directory's lock held.
static struct dentry* lookup_locked(struct dentry* dir, const char* name, u32 len) {
    const struct inode_operations* i_op = dir->d_inode->i_op;
    struct dentry* dentry = d_lookup(dir, name, len);
    if (dentry == NULL && i_op != NULL && i_op->lookup != NULL) {
        dentry = i_op->lookup(dir, name, len);
        if (PTR_ERR(dentry) == -ENOENT) {
            dentry = NULL;
        }
    }
    return dentry;
}

static struct dentry* lookup_slow(struct dentry* parent, const char* name, u32 len) {
    if (len == 1 && name[0] == '.') {
        return dget(parent);
    }
    if (len == 2 && name[0] == '.' && name[1] == '.') {
        return follow_dotdot(parent);
    }
    if (len > NAME_MAX) {
        return ERR_PTR(-ENAMETOOLONG);
    }
    inode_lock(parent->d_inode);
    struct dentry* dentry = lookup_locked(parent, name, len);
    inode_unlock(parent->d_inode);
    if (dentry == NULL) {
        return ERR_PTR(-ENOENT);
    }
    return IS_ERR(dentry) ? dentry : traverse_mounts(dentry);
}

// The text of a link, to be freed.
static char* get_link(const struct dentry* link) {
    struct inode* inode = link->d_inode;
    char* text = kmalloc(PATH_MAX, GFP_KERNEL);
    if (text == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    int length = inode->i_op->readlink(inode, text, PATH_MAX - 1);
    if (length < 0) {
        kfree(text);
        return ERR_PTR(length);
    }
    text[length] = '\0';
    return text;
}

// What `link`, a name in `dir`, leads to. Puts `link`.
static struct dentry* follow_link(struct dentry* dir, struct dentry* link, int depth) {
    if (depth >= MAXSYMLINKS) {
        dput(link);
        return ERR_PTR(-ELOOP);
    }
    if (link->d_inode->i_op->follow_link != NULL) {
        struct dentry* target = link->d_inode->i_op->follow_link(link->d_inode);
        dput(link);
        return target;
    }
    char* text = get_link(link);
    dput(link);
    if (IS_ERR(text)) {
        return ERR_PTR(PTR_ERR(text));
    }
    struct dentry* found = walk(dget(text[0] == '/' ? root_dentry : dir), text, LOOKUP_FOLLOW,
                                depth + 1);
    kfree(text);
    return found;
}

// Walks all but the last component, which is left in *last. Puts `at`.
static struct dentry* link_path_walk(struct dentry* at, const char* name, struct qstr* last,
                                     int depth) {
    if (IS_ERR(at)) {
        return at;
    }
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
        if (!IS_ERR(next) && S_ISLNK(next->d_inode->i_mode)) {
            next = follow_link(at, next, depth);
        }
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

static bool must_be_directory(const struct qstr* last) { return last->name[last->len] == '/'; }

// The whole path. Puts `at`.
static struct dentry* walk(struct dentry* at, const char* name, unsigned int flags, int depth) {
    struct qstr last;
    struct dentry* dir = link_path_walk(at, name, &last, depth);
    if (IS_ERR(dir) || last.len == 0) {
        return dir;
    }
    struct dentry* dentry = lookup_slow(dir, last.name, last.len);
    if (!IS_ERR(dentry) && S_ISLNK(dentry->d_inode->i_mode) &&
        ((flags & LOOKUP_FOLLOW) || must_be_directory(&last))) {
        dentry = follow_link(dir, dentry, depth);
    }
    dput(dir);
    if (!IS_ERR(dentry) && must_be_directory(&last) && !S_ISDIR(dentry->d_inode->i_mode)) {
        dput(dentry);
        return ERR_PTR(-ENOTDIR);
    }
    return dentry;
}

struct dentry* filename_lookup(int dfd, const struct filename* name, unsigned int flags) {
    struct dentry* at = path_init(dfd, name->name);
    return IS_ERR(at) ? at : walk(at, name->name, flags, 0);
}

struct dentry* dentry_of_fd(int dfd) {
    if (dfd == AT_FDCWD) {
        return get_task_pwd(current);
    }
    struct file* file = fget((unsigned int)dfd);
    if (file == NULL) {
        return ERR_PTR(-EBADF);
    }
    struct dentry* dentry = dget(file->f_path.dentry);
    fput(file);
    return dentry;
}

struct dentry* user_path_at(int dfd, const char __user* name, unsigned int at_flags,
                            unsigned int flags) {
    char first;
    if ((at_flags & AT_EMPTY_PATH) && get_user(first, name) == 0 && first == '\0') {
        return dentry_of_fd(dfd);
    }
    struct filename* filename = getname(name);
    if (IS_ERR(filename)) {
        return ERR_PTR(PTR_ERR(filename));
    }
    struct dentry* dentry = filename_lookup(dfd, filename, flags);
    putname(filename);
    return dentry;
}

// Adds a name to `dir`, whose lock is held.
static struct dentry* create_in(struct dentry* dir, const struct qstr* name, umode_t mode) {
    const struct inode_operations* i_op = dir->d_inode->i_op;
    if (i_op == NULL || i_op->create == NULL) {
        return ERR_PTR(-EACCES);
    }
    if (list_empty(&dir->d_child) && dir->d_parent != dir) {
        return ERR_PTR(-ENOENT);  // the directory itself was removed
    }
    struct dentry* dentry = d_alloc(dir, name->name, name->len);
    if (IS_ERR(dentry)) {
        return dentry;
    }
    int error = i_op->create(dir->d_inode, dentry, mode);
    if (error != 0) {
        dput(dentry);
        return ERR_PTR(error);
    }
    return dentry;
}

static bool is_dot_or_dotdot(const struct qstr* name) {
    return (name->len == 1 || name->len == 2) && memcmp(name->name, "..", name->len) == 0;
}

static struct dentry* open_last_lookup(struct dentry* dir, const struct qstr* last, int open_flag,
                                       umode_t mode) {
    if (last->len == 0 || is_dot_or_dotdot(last)) {
        return (open_flag & O_CREAT) ? ERR_PTR(open_flag & O_EXCL ? -EEXIST : -EISDIR)
                                     : lookup_slow(dir, ".", 1 + (last->len == 2));
    }
    if (last->len > NAME_MAX) {
        return ERR_PTR(-ENAMETOOLONG);
    }
    inode_lock(dir->d_inode);
    struct dentry* dentry = lookup_locked(dir, last->name, last->len);
    if (dentry != NULL && !IS_ERR(dentry) && (open_flag & O_CREAT) && (open_flag & O_EXCL)) {
        dput(dentry);
        dentry = ERR_PTR(-EEXIST);
    } else if (dentry == NULL) {
        dentry = (open_flag & O_CREAT) ? create_in(dir, last, mode) : ERR_PTR(-ENOENT);
    }
    inode_unlock(dir->d_inode);
    return IS_ERR(dentry) ? dentry : traverse_mounts(dentry);
}

static int may_open(const struct dentry* dentry, int open_flag) {
    umode_t mode = dentry->d_inode->i_mode;
    if (S_ISLNK(mode)) {
        return -ELOOP;
    }
    if (S_ISDIR(mode) && ((open_flag & O_ACCMODE) != O_RDONLY || (open_flag & O_CREAT))) {
        return -EISDIR;
    }
    if (!S_ISDIR(mode) && (open_flag & O_DIRECTORY)) {
        return -ENOTDIR;
    }
    return 0;
}

static void handle_truncate(struct inode* inode) {
    if (inode->i_op != NULL && inode->i_op->truncate != NULL &&
        READ_ONCE(inode->i_writecount) >= 0) {
        inode_lock(inode);
        inode->i_op->truncate(inode, 0);
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

struct dentry* filename_parentat(int dfd, const struct filename* name, struct qstr* last) {
    return link_path_walk(path_init(dfd, name->name), name->name, last, 0);
}

// The dentry that a path with O_CREAT means: a link's target may be what has to be created.
static struct dentry* lookup_for_open(struct dentry* at, const char* name, int open_flag,
                                      umode_t mode, int depth) {
    struct qstr last;
    struct dentry* dir = link_path_walk(at, name, &last, depth);
    if (IS_ERR(dir)) {
        return dir;
    }
    if ((open_flag & O_CREAT) && last.len > 0 && must_be_directory(&last)) {
        dput(dir);
        return ERR_PTR(-EISDIR);
    }
    struct dentry* dentry = open_last_lookup(dir, &last, open_flag, mode);
    bool link = !IS_ERR(dentry) && S_ISLNK(dentry->d_inode->i_mode) && !(open_flag & O_NOFOLLOW);
    if (link && dentry->d_inode->i_op->follow_link != NULL) {
        dentry = follow_link(dir, dentry, depth);
    } else if (link) {
        char* text = depth < MAXSYMLINKS ? get_link(dentry) : ERR_PTR(-ELOOP);
        dput(dentry);
        dentry = ERR_PTR(PTR_ERR(text));
        if (!IS_ERR(text)) {
            dentry = lookup_for_open(dget(text[0] == '/' ? root_dentry : dir), text, open_flag,
                                     mode, depth + 1);
            kfree(text);
        }
    }
    dput(dir);
    return dentry;
}

static struct file* path_openat(int dfd, const char* name, int open_flag, umode_t mode) {
    struct dentry* at = path_init(dfd, name);
    struct dentry* dentry = IS_ERR(at) ? at : lookup_for_open(at, name, open_flag, mode, 0);
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
    return path_openat(dfd, pathname->name, open_flag, mode);
}

struct file* filp_open(const char* filename, int flags, umode_t mode) {
    return path_openat(AT_FDCWD, filename, flags, (umode_t)(S_IFREG | mode));
}

// A new, last component of `name` with `mode`; the caller puts the dentry.
static struct dentry* filename_create(int dfd, struct filename* name, umode_t mode) {
    struct qstr last;
    struct dentry* dir = filename_parentat(dfd, name, &last);
    if (IS_ERR(dir)) {
        return dir;
    }
    struct dentry* dentry = ERR_PTR(-ENOENT);
    if (S_ISDIR(mode) || last.len == 0 || !must_be_directory(&last)) {
        dentry = open_last_lookup(dir, &last, O_CREAT | O_EXCL, mode);
    }
    dput(dir);
    return dentry;
}

int do_mkdirat(int dfd, struct filename* name, umode_t mode) {
    struct dentry* dentry = filename_create(dfd, name, (umode_t)(S_IFDIR | (mode & 07777)));
    if (IS_ERR(dentry)) {
        return (int)PTR_ERR(dentry);
    }
    dput(dentry);
    return 0;
}

int do_mknodat(int dfd, struct filename* name, umode_t mode, u32 dev,
               const struct file_operations* fops) {
    struct dentry* dentry = filename_create(dfd, name, mode);
    if (IS_ERR(dentry)) {
        return (int)PTR_ERR(dentry);
    }
    dentry->d_inode->i_rdev = dev;
    if (S_ISCHR(mode)) {
        dentry->d_inode->i_fop = fops != NULL ? fops : chrdev_fops(dev);
    }
    dput(dentry);
    return 0;
}

int do_symlinkat(const char* from, int newdfd, struct filename* to) {
    struct qstr last;
    struct dentry* dir = filename_parentat(newdfd, to, &last);
    if (IS_ERR(dir)) {
        return (int)PTR_ERR(dir);
    }
    inode_lock(dir->d_inode);
    int error = -EEXIST;
    struct dentry* dentry = last.len == 0 || is_dot_or_dotdot(&last)
                                ? dget(dir)
                                : lookup_locked(dir, last.name, last.len);
    if (dentry == NULL && (dir->d_inode->i_op == NULL || dir->d_inode->i_op->symlink == NULL)) {
        error = -EACCES;
    } else if (dentry == NULL) {
        dentry = d_alloc(dir, last.name, last.len);
        error = IS_ERR(dentry) ? (int)PTR_ERR(dentry)
                               : dir->d_inode->i_op->symlink(dir->d_inode, dentry, from);
    }
    inode_unlock(dir->d_inode);
    if (dentry != NULL && !IS_ERR(dentry)) {
        dput(dentry);
    }
    dput(dir);
    return error;
}

// With the directory's lock held.
static int vfs_unlink(struct inode* dir, struct dentry* dentry) {
    if (S_ISDIR(dentry->d_inode->i_mode)) {
        return -EISDIR;
    }
    return dir->i_op->unlink == NULL ? -EACCES : dir->i_op->unlink(dir, dentry);
}

static int vfs_rmdir(struct inode* dir, struct dentry* dentry) {
    if (!S_ISDIR(dentry->d_inode->i_mode)) {
        return -ENOTDIR;
    }
    if (dentry->d_mounted != NULL) {
        return -EBUSY;
    }
    if (!list_empty(&dentry->d_subdirs)) {
        return -ENOTEMPTY;
    }
    return dir->i_op->unlink == NULL ? -EACCES : dir->i_op->unlink(dir, dentry);
}

static int remove_last(int dfd, struct filename* name, bool directory) {
    struct qstr last;
    struct dentry* dir = filename_parentat(dfd, name, &last);
    if (IS_ERR(dir)) {
        return (int)PTR_ERR(dir);
    }
    if (last.len == 0 || is_dot_or_dotdot(&last)) {
        dput(dir);
        return directory ? (last.len == 2 ? -ENOTEMPTY : -EINVAL) : -EISDIR;
    }
    inode_lock(dir->d_inode);
    struct dentry* dentry = lookup_locked(dir, last.name, last.len);
    int error = dentry == NULL   ? -ENOENT
                : IS_ERR(dentry) ? (int)PTR_ERR(dentry)
                : directory      ? vfs_rmdir(dir->d_inode, dentry)
                                 : vfs_unlink(dir->d_inode, dentry);
    inode_unlock(dir->d_inode);
    if (dentry != NULL && !IS_ERR(dentry)) {
        dput(dentry);
    }
    dput(dir);
    return error;
}

int do_unlinkat(int dfd, struct filename* name) { return remove_last(dfd, name, false); }

int do_rmdir(int dfd, struct filename* name) { return remove_last(dfd, name, true); }

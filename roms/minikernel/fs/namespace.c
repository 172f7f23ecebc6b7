// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/slab.h"

// System calls that change names: making, removing and moving them.

static long with_name(int dfd, const char __user* pathname, umode_t mode,
                      int (*function)(int dfd, struct filename* name, umode_t mode)) {
    struct filename* name = getname(pathname);
    if (IS_ERR(name)) {
        return PTR_ERR(name);
    }
    long result = function(dfd, name, mode);
    putname(name);
    return result;
}

static int unlink_mode(int dfd, struct filename* name, umode_t mode) {
    return mode & AT_REMOVEDIR ? do_rmdir(dfd, name) : do_unlinkat(dfd, name);
}

SYSCALL_DEFINE2(mkdir, const char __user*, pathname, umode_t, mode) {
    return with_name(AT_FDCWD, pathname, (umode_t)(mode & ~current->fs->umask), do_mkdirat);
}

SYSCALL_DEFINE3(mkdirat, int, dfd, const char __user*, pathname, umode_t, mode) {
    return with_name(dfd, pathname, (umode_t)(mode & ~current->fs->umask), do_mkdirat);
}

SYSCALL_DEFINE1(rmdir, const char __user*, pathname) {
    return with_name(AT_FDCWD, pathname, AT_REMOVEDIR, unlink_mode);
}

SYSCALL_DEFINE1(unlink, const char __user*, pathname) {
    return with_name(AT_FDCWD, pathname, 0, unlink_mode);
}

SYSCALL_DEFINE3(unlinkat, int, dfd, const char __user*, pathname, int, flag) {
    return flag & ~AT_REMOVEDIR ? -EINVAL : with_name(dfd, pathname, (umode_t)flag, unlink_mode);
}

static long do_mknod(int dfd, const char __user* pathname, umode_t mode, unsigned int dev) {
    if (!(mode & S_IFMT)) {
        mode |= S_IFREG;
    }
    if (S_ISDIR(mode) || S_ISLNK(mode)) {
        return -EPERM;
    }
    struct filename* name = getname(pathname);
    if (IS_ERR(name)) {
        return PTR_ERR(name);
    }
    long result = do_mknodat(dfd, name, (umode_t)(mode & ~current->fs->umask), new_decode_dev(dev),
                             NULL);
    putname(name);
    return result;
}

SYSCALL_DEFINE3(mknod, const char __user*, pathname, umode_t, mode, unsigned int, dev) {
    return do_mknod(AT_FDCWD, pathname, mode, dev);
}

SYSCALL_DEFINE4(mknodat, int, dfd, const char __user*, pathname, umode_t, mode, unsigned int, dev) {
    return do_mknod(dfd, pathname, mode, dev);
}

static long symlink_at(const char __user* oldname, int newdfd, const char __user* newname) {
    struct filename* from = getname(oldname);
    if (IS_ERR(from)) {
        return PTR_ERR(from);
    }
    struct filename* to = getname(newname);
    long result = IS_ERR(to) ? PTR_ERR(to) : do_symlinkat(from->name, newdfd, to);
    if (!IS_ERR(to)) {
        putname(to);
    }
    putname(from);
    return result;
}

SYSCALL_DEFINE2(symlink, const char __user*, oldname, const char __user*, newname) {
    return symlink_at(oldname, AT_FDCWD, newname);
}

SYSCALL_DEFINE3(symlinkat, const char __user*, oldname, int, newdfd, const char __user*, newname) {
    return symlink_at(oldname, newdfd, newname);
}

// A path's last component and the directory that it is in, locked after all others.
struct parent {
    struct filename* name;
    struct dentry* dir;
    struct qstr last;
};

static long get_parent(struct parent* p, int dfd, const char __user* pathname) {
    p->dir = NULL;
    p->name = getname(pathname);
    if (IS_ERR(p->name)) {
        return PTR_ERR(p->name);
    }
    struct dentry* dir = filename_parentat(dfd, p->name, &p->last);
    if (!IS_ERR(dir)) {
        p->dir = dir;
    }
    return IS_ERR(dir) ? PTR_ERR(dir)
           : p->last.len == 0 || (p->last.name[0] == '.' && p->last.len < 3 &&
                                  p->last.name[p->last.len - 1] == '.')
               ? -EBUSY
           : p->last.len > NAME_MAX ? -ENAMETOOLONG
                                    : 0;
}

static void put_parent(struct parent* p) {
    if (p->dir != NULL) {
        dput(p->dir);
    }
    if (!IS_ERR(p->name)) {
        putname(p->name);
    }
}

static bool is_below(const struct dentry* dentry, const struct dentry* ancestor) {
    for (; dentry->d_parent != dentry; dentry = dentry->d_parent) {
        if (dentry == ancestor) {
            return true;
        }
    }
    return dentry == ancestor;
}

static struct mutex rename_mutex = {.wait = {.head = LIST_HEAD_INIT(rename_mutex.wait.head)}};

static void lock_rename(struct dentry* a, struct dentry* b) {
    mutex_lock(&rename_mutex);
    inode_lock(min(a, b)->d_inode);
    if (a != b) {
        inode_lock(max(a, b)->d_inode);
    }
}

static void unlock_rename(struct dentry* a, struct dentry* b) {
    inode_unlock(a->d_inode);
    if (a != b) {
        inode_unlock(b->d_inode);
    }
    mutex_unlock(&rename_mutex);
}

static long vfs_rename(struct parent* from, struct parent* to, struct dentry* old,
                       struct dentry* target) {
    struct inode* inode = old->d_inode;
    bool directory = S_ISDIR(inode->i_mode);
    if (to->dir->d_inode->i_op != &ramfs_dir_inode_operations) {
        return -EXDEV;
    }
    if (target == old || (target != NULL && target->d_inode == inode)) {
        return 0;
    }
    if (directory && is_below(to->dir, old)) {
        return -EINVAL;
    }
    if (target != NULL) {
        bool onto_directory = S_ISDIR(target->d_inode->i_mode);
        if (directory != onto_directory) {
            return directory ? -ENOTDIR : -EISDIR;
        }
        if (onto_directory && !list_empty(&target->d_subdirs)) {
            return -ENOTEMPTY;
        }
        to->dir->d_inode->i_op->unlink(to->dir->d_inode, target);
    }
    if (directory) {
        from->dir->d_inode->i_nlink--;
        to->dir->d_inode->i_nlink++;
    }
    from->dir->d_inode->i_mtime = to->dir->d_inode->i_mtime = current_time();
    return d_move(old, to->dir, to->last.name, to->last.len);
}

static long do_renameat2(int olddfd, const char __user* oldname, int newdfd,
                         const char __user* newname, unsigned int flags) {
    struct parent from, to = {.name = ERR_PTR(-EINVAL)};
    long error = flags & ~1u ? -EINVAL : 0;
    if (error != 0) {
        return error;
    }
    error = get_parent(&from, olddfd, oldname);
    if (error == 0) {
        error = get_parent(&to, newdfd, newname);
    }
    if (error == 0) {
        lock_rename(from.dir, to.dir);
        struct dentry* old = d_lookup(from.dir, from.last.name, from.last.len);
        struct dentry* target = d_lookup(to.dir, to.last.name, to.last.len);
        error = old == NULL                     ? -ENOENT
                : (flags & 1) && target != NULL ? -EEXIST
                : old->d_mounted != NULL || (target != NULL && target->d_mounted != NULL)
                    ? -EBUSY
                    : vfs_rename(&from, &to, old, target);
        unlock_rename(from.dir, to.dir);
        if (old != NULL) {
            dput(old);
        }
        if (target != NULL) {
            dput(target);
        }
    }
    put_parent(&to);
    put_parent(&from);
    return error;
}

SYSCALL_DEFINE2(rename, const char __user*, oldname, const char __user*, newname) {
    return do_renameat2(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

SYSCALL_DEFINE4(renameat, int, olddfd, const char __user*, oldname, int, newdfd, const char __user*,
                newname) {
    return do_renameat2(olddfd, oldname, newdfd, newname, 0);
}

SYSCALL_DEFINE5(renameat2, int, olddfd, const char __user*, oldname, int, newdfd,
                const char __user*, newname, unsigned int, flags) {
    return do_renameat2(olddfd, oldname, newdfd, newname, flags);
}

static long do_linkat(int olddfd, const char __user* oldname, int newdfd,
                      const char __user* newname, int flags) {
    struct dentry* old = user_path_at(olddfd, oldname, (unsigned int)flags & AT_EMPTY_PATH,
                                      flags & 0x400 ? LOOKUP_FOLLOW : 0);
    if (IS_ERR(old)) {
        return PTR_ERR(old);
    }
    struct parent to;
    long error = get_parent(&to, newdfd, newname);
    if (error == 0) {
        inode_lock(to.dir->d_inode);
        struct dentry* target = d_lookup(to.dir, to.last.name, to.last.len);
        if (target != NULL) {
            dput(target);
            error = -EEXIST;
        } else if (S_ISDIR(old->d_inode->i_mode)) {
            error = -EPERM;
        } else if (to.dir->d_inode->i_op != &ramfs_dir_inode_operations) {
            error = -EXDEV;
        } else {
            struct dentry* link = d_alloc(to.dir, to.last.name, to.last.len);
            error = IS_ERR(link) ? PTR_ERR(link) : 0;
            if (error == 0) {
                __atomic_add_fetch(&old->d_inode->i_count, 1, __ATOMIC_RELAXED);
                old->d_inode->i_nlink++;
                d_instantiate(link, old->d_inode);
                dput(link);
            }
        }
        inode_unlock(to.dir->d_inode);
    }
    put_parent(&to);
    dput(old);
    return error;
}

SYSCALL_DEFINE2(link, const char __user*, oldname, const char __user*, newname) {
    return do_linkat(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

SYSCALL_DEFINE5(linkat, int, olddfd, const char __user*, oldname, int, newdfd, const char __user*,
                newname, int, flags) {
    return do_linkat(olddfd, oldname, newdfd, newname, flags);
}

SYSCALL_DEFINE0(sync) { return 0; }

SYSCALL_DEFINE1(fsync, unsigned int, fd) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    fput(file);
    return 0;
}

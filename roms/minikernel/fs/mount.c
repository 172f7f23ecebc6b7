// SPDX-License-Identifier: GPL-2.0-only
#include "fs/mount.h"

#include "fs/fs.h"
#include "fs/proc/proc.h"
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/slab.h"

// Trees on top of directories. A path that comes to the directory goes on at the tree's root
// (d_mounted), and back up at the directory (d_covered).

#define MS_REMOUNT 0x20UL
#define MNT_FLAGS 0xfUL  // force, detach, expire, no-follow: they change nothing here

struct mount {
    struct list_head list;
    struct dentry* root;
    char type[16], device[32];
};

static struct mutex mount_mutex = {.wait = {.head = LIST_HEAD_INIT(mount_mutex.wait.head)}};
static struct list_head mounts = LIST_HEAD_INIT(mounts);
static spinlock_t mount_lock;  // of d_mounted: a walk takes no mutex

struct dentry* get_mounted(const struct dentry* dentry) {
    if (READ_ONCE(dentry->d_mounted) == NULL) {
        return NULL;
    }
    spin_lock(&mount_lock);
    struct dentry* root = dentry->d_mounted != NULL ? dget(dentry->d_mounted) : NULL;
    spin_unlock(&mount_lock);
    return root;
}

static struct dentry* new_tree(const char* type) {
    if (strcmp(type, "proc") == 0) {
        return proc_get_tree();
    }
    if (strcmp(type, "tracefs") == 0) {
        return tracefs_get_tree();
    }
    bool known = strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0 ||
                 strcmp(type, "sysfs") == 0;
    struct inode* inode = known ? new_inode(S_IFDIR | 0755) : NULL;
    if (inode == NULL) {
        return ERR_PTR(known ? -ENOMEM : -ENODEV);
    }
    inode->i_op = &ramfs_dir_inode_operations;
    inode->i_fop = &simple_dir_operations;
    struct dentry* root = d_alloc(NULL, "/", 1);
    if (IS_ERR(root)) {
        iput(inode);
        return root;
    }
    root->d_inode = inode;
    return root;
}

static long do_mount(struct mount* mount, struct dentry* place) {
    if (!S_ISDIR(place->d_inode->i_mode)) {
        return -ENOTDIR;
    }
    // The nodes of devtmpfs are in the root's own /dev.
    mount->root = strcmp(mount->type, "devtmpfs") == 0 ? dget(place) : new_tree(mount->type);
    if (IS_ERR(mount->root)) {
        return PTR_ERR(mount->root);
    }
    if (mount->root != place) {
        mount->root->d_covered = dget(place);
        WRITE_ONCE(place->d_mounted, mount->root);
    }
    list_add_tail(&mount->list, &mounts);
    return 0;
}

static long new_mount(const char __user* dev_name, const char __user* type, struct dentry* place) {
    struct mount* mount = kmalloc(sizeof(*mount), GFP_KERNEL | __GFP_ZERO);
    if (mount == NULL) {
        return -ENOMEM;
    }
    long length = strncpy_from_user(mount->type, type, sizeof(mount->type));
    long error = length < 0                            ? length
                 : length == (long)sizeof(mount->type) ? -ENODEV
                 : strncpy_from_user(mount->device, dev_name, sizeof(mount->device) - 1) < 0
                     ? -EFAULT
                     : 0;
    if (error == 0) {
        mutex_lock(&mount_mutex);
        error = do_mount(mount, place);
        mutex_unlock(&mount_mutex);
    }
    if (error != 0) {
        kfree(mount);
    }
    return error;
}

SYSCALL_DEFINE5(mount, const char __user*, dev_name, const char __user*, dir_name,
                const char __user*, type, unsigned long, flags, void __user*, data) {
    (void)data;
    struct dentry* place = user_path_at(AT_FDCWD, dir_name, 0, LOOKUP_FOLLOW);
    if (IS_ERR(place)) {
        return PTR_ERR(place);
    }
    long error = flags & MS_REMOUNT ? 0 : new_mount(dev_name, type, place);
    dput(place);
    return error;
}

static struct mount* mount_of(const struct dentry* root) {
    struct mount* mount;
    list_for_each_entry(mount, &mounts, list) {
        if (mount->root == root) {
            return mount;
        }
    }
    return NULL;
}

// Who has a file or directory of the tree in use keeps a count of some dentry in it, and each
// dentry one of its parent's: the root's own is all that is left of a tree that nobody uses.
static bool is_busy(const struct dentry* root) {
    const struct dentry* child;
    int names = 0;
    list_for_each_entry(child, &root->d_subdirs, d_child) {
        names += 1;
        if (READ_ONCE(child->d_count) > 1 && (!S_ISDIR(child->d_inode->i_mode) || is_busy(child))) {
            return true;
        }
    }
    return READ_ONCE(root->d_count) > names + 1;
}

// The names of a tree go with it.
static void drop_tree(struct dentry* dir) {
    struct dentry *child, *next;
    list_for_each_entry_safe(child, next, &dir->d_subdirs, d_child) {
        drop_tree(child);
        d_drop(child);
    }
}

// With the caller's count on the root.
static long do_umount(struct dentry* root) {
    struct mount* mount = mount_of(root);
    if (mount == NULL || root->d_covered == NULL) {
        return -EINVAL;
    }
    struct dentry* place = root->d_covered;
    spin_lock(&mount_lock);
    dput(root);  // the caller's count is not meant
    bool busy = is_busy(root);
    dget(root);
    if (!busy) {
        WRITE_ONCE(place->d_mounted, NULL);
        root->d_covered = NULL;
    }
    spin_unlock(&mount_lock);
    if (busy) {
        return -EBUSY;
    }
    list_del_init(&mount->list);
    drop_tree(root);
    dput(place);
    dput(root);
    kfree(mount);
    return 0;
}

SYSCALL_DEFINE2(umount, const char __user*, name, unsigned long, flags) {
    if (flags & ~MNT_FLAGS) {
        return -EINVAL;
    }
    struct dentry* root = user_path_at(AT_FDCWD, name, 0, LOOKUP_FOLLOW);
    if (IS_ERR(root)) {
        return PTR_ERR(root);
    }
    mutex_lock(&mount_mutex);
    long error = do_umount(root);
    mutex_unlock(&mount_mutex);
    dput(root);
    return error;
}

void show_mounts(struct seq_file* m) {
    const struct mount* mount;
    seq_printf(m, "rootfs / rootfs rw 0 0\n");
    char* path = kmalloc(PATH_MAX, GFP_KERNEL);
    mutex_lock(&mount_mutex);
    list_for_each_entry(mount, &mounts, list) {
        const char* at = path == NULL ? ERR_PTR(-ENOMEM) : d_path(mount->root, path, PATH_MAX);
        if (!IS_ERR(at)) {
            seq_printf(m, "%s %s %s rw 0 0\n", mount->device, at, mount->type);
        }
    }
    mutex_unlock(&mount_mutex);
    kfree(path);
}

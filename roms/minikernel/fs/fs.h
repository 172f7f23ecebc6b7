// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/mutex.h"
#include "lib/list.h"

struct file;
struct inode;
struct dentry;

// Linux's numbers (<asm-generic/fcntl.h>, <linux/stat.h>).
#define AT_FDCWD (-100)
#define O_ACCMODE 03
#define O_RDONLY 00
#define O_WRONLY 01
#define O_RDWR 02
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define O_APPEND 02000

#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFREG 0100000
#define S_ISDIR(mode) (((mode) & S_IFMT) == S_IFDIR)
#define S_ISREG(mode) (((mode) & S_IFMT) == S_IFREG)

#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u

#define NAME_MAX 31
#define PATH_MAX 256

struct qstr {
    u32 len;
    const char* name;
};

/// What a system call may do with an open file.
struct file_operations {
    ssize_t (*read)(struct file* file, char* buf, size_t count, loff_t* pos);
    ssize_t (*write)(struct file* file, const char* buf, size_t count, loff_t* pos);
};

/// What can be done in a directory. The caller holds the directory's lock.
struct inode_operations {
    int (*create)(struct inode* dir, struct dentry* dentry, umode_t mode);
    int (*unlink)(struct inode* dir, struct dentry* dentry);
    void (*truncate)(struct inode* inode);
    void (*evict)(struct inode* inode);
};

/// A file or directory itself, whatever its names are.
struct inode {
    umode_t i_mode;
    unsigned int i_nlink;
    unsigned long i_ino;
    loff_t i_size;
    int i_count;
    struct mutex i_rwsem;
    const struct inode_operations* i_op;
    const struct file_operations* i_fop;
    void* i_private;
};

/// A name in a directory. The whole tree is in memory.
struct dentry {
    struct qstr d_name;
    struct dentry* d_parent;
    struct inode* d_inode;
    struct list_head d_child;  // in d_parent->d_subdirs
    struct list_head d_subdirs;
    int d_count;
    char d_iname[NAME_MAX + 1];
};

struct path {
    struct dentry* dentry;
};

/// An open file.
struct file {
    struct path f_path;
    struct inode* f_inode;
    const struct file_operations* f_op;
    int f_count;
    unsigned int f_flags;
    fmode_t f_mode;
    loff_t f_pos;
};

struct filename {
    const char* name;
    char iname[PATH_MAX];
};

// inode.c
struct inode* new_inode(umode_t mode);
void iput(struct inode* inode);
struct dentry* d_alloc(struct dentry* parent, const char* name, u32 len);
struct dentry* dget(struct dentry* dentry);
void dput(struct dentry* dentry);
/// Joins a name with what it names.
void d_instantiate(struct dentry* dentry, struct inode* inode);
/// Takes the name out of its directory; who has the file open keeps it.
void d_drop(struct dentry* dentry);
/// With the directory's lock held. NULL when there is no such name.
struct dentry* d_lookup(const struct dentry* parent, const char* name, u32 len);

static inline void inode_lock(struct inode* inode) { mutex_lock(&inode->i_rwsem); }

static inline void inode_unlock(struct inode* inode) { mutex_unlock(&inode->i_rwsem); }

// namei.c
/// Copies a path from the caller of a system call: -EFAULT, -ENOENT when empty, -ENAMETOOLONG.
struct filename* getname(const char __user* filename);
void putname(struct filename* name);
struct file* do_filp_open(int dfd, struct filename* pathname, int open_flag, umode_t mode);
int do_mkdirat(int dfd, struct filename* name, umode_t mode);
int do_unlinkat(int dfd, struct filename* name);
/// Makes a device node.
int do_mknodat(int dfd, struct filename* name, const struct file_operations* fops);

// open.c
struct open_how {
    __u64 flags;
    __u64 mode;
    __u64 resolve;
};
/// Opens `filename`; the new descriptor, or a negative errno.
long do_sys_openat2(int dfd, const char __user* filename, struct open_how* how);
int vfs_open(const struct path* path, struct file* file);

// read_write.c
ssize_t vfs_read(struct file* file, char __user* buf, size_t count, loff_t* pos);
ssize_t vfs_write(struct file* file, const char __user* buf, size_t count, loff_t* pos);
ssize_t ksys_read(unsigned int fd, char __user* buf, size_t count);
ssize_t ksys_write(unsigned int fd, const char __user* buf, size_t count);

// ramfs.c
extern const struct inode_operations ramfs_dir_inode_operations;
extern const struct inode_operations ramfs_file_inode_operations;
extern const struct file_operations ramfs_file_operations;

// devices.c
extern const struct file_operations null_fops, zero_fops, console_fops;

// super.c
extern struct dentry* root_dentry;
/// The first tree: /, /dev with its devices, /tmp.
void vfs_caches_init(void);

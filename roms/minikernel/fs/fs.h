// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/mutex.h"
#include "lib/list.h"

struct file;
struct inode;
struct dentry;
struct page;
struct poll_table;

// Linux's numbers (<asm-generic/fcntl.h>, <linux/stat.h>).
#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_EMPTY_PATH 0x1000
#define O_ACCMODE 03
#define O_RDONLY 00
#define O_WRONLY 01
#define O_RDWR 02
#define O_CREAT 0100
#define O_EXCL 0200
#define O_NOCTTY 0400
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define O_CLOEXEC 02000000

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISDIR(mode) (((mode) & S_IFMT) == S_IFDIR)
#define S_ISREG(mode) (((mode) & S_IFMT) == S_IFREG)
#define S_ISLNK(mode) (((mode) & S_IFMT) == S_IFLNK)
#define S_ISCHR(mode) (((mode) & S_IFMT) == S_IFCHR)

#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u
#define FMODE_EXEC 0x20u

#define NAME_MAX 255
#define PATH_MAX 4096
#define DNAME_INLINE_LEN 40

#define MKDEV(major, minor) ((u32)(major) << 20 | (u32)(minor))
u32 new_decode_dev(u64 dev);
#define MAJOR(dev) ((dev) >> 20)
#define MINOR(dev) ((dev) & 0xfffffu)

struct timespec64 {
    s64 tv_sec;
    long tv_nsec;
};

struct qstr {
    u32 len;
    const char* name;
};

/// Where a directory's entries go, one by one; `pos` is that of the next one.
struct dir_context {
    bool (*actor)(struct dir_context* ctx, const char* name, u32 len, u64 ino, umode_t mode);
    loff_t pos;
};

/// What a system call may do with an open file. `buf` is the caller's: reached only by
/// copy_to_user and copy_from_user.
struct file_operations {
    ssize_t (*read)(struct file* file, char __user* buf, size_t count, loff_t* pos);
    ssize_t (*write)(struct file* file, const char __user* buf, size_t count, loff_t* pos);
    int (*iterate_shared)(struct file* file, struct dir_context* ctx);
    unsigned int (*poll)(struct file* file, struct poll_table* wait);
    long (*unlocked_ioctl)(struct file* file, unsigned int cmd, unsigned long arg);
    int (*open)(struct inode* inode, struct file* file);
    void (*release)(struct inode* inode, struct file* file);
};

/// What can be done with a file or in a directory. The caller holds the directory's lock.
struct inode_operations {
    /// For directories whose names are made up on demand: a dentry, or ERR_PTR.
    struct dentry* (*lookup)(struct dentry* dir, const char* name, u32 len);
    int (*create)(struct inode* dir, struct dentry* dentry, umode_t mode);
    int (*unlink)(struct inode* dir, struct dentry* dentry);
    int (*symlink)(struct inode* dir, struct dentry* dentry, const char* target);
    /// The link's text, without a NUL behind it; its length.
    int (*readlink)(struct inode* inode, char* buf, int size);
    /// For a link that leads to a file itself, not to a path: a dentry, held, or ERR_PTR.
    struct dentry* (*follow_link)(struct inode* inode);
    void (*truncate)(struct inode* inode, loff_t length);
    /// The page at `index` of the file, held; ERR_PTR(-EFAULT) behind the end.
    struct page* (*get_page)(struct inode* inode, unsigned long index);
    void (*evict)(struct inode* inode);
};

/// A file or directory itself, whatever its names are.
struct inode {
    umode_t i_mode;
    unsigned int i_nlink;
    u32 i_uid, i_gid;
    unsigned long i_ino;
    u32 i_rdev;
    loff_t i_size;
    struct timespec64 i_atime, i_mtime, i_ctime;
    int i_count;
    int i_writecount;  // open for writing so often; below 0: programs that run from it
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
    loff_t d_off;              // its place among the directory's entries, for ever
    struct dentry* d_mounted;  // the root of what is mounted here
    struct dentry* d_covered;  // for such a root: where it is mounted
    const char* d_fstype;
    int d_count;
    char d_iname[DNAME_INLINE_LEN];
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
    struct mutex f_pos_lock;
    loff_t f_pos;
    struct list_head f_ep;  // where it is on epoll's lists
    void* private_data;
};

struct filename {
    const char* name;
    char iname[PATH_MAX - sizeof(char*)];
};

/// Where a task's paths start.
struct fs_struct {
    int users;
    spinlock_t lock;  // of pwd
    umode_t umask;
    struct dentry* pwd;
};

extern struct fs_struct init_fs;
struct fs_struct* copy_fs_struct(bool share, struct fs_struct* old);
void put_fs_struct(struct fs_struct* fs);
struct task_struct;
void exit_fs(struct task_struct* p);
/// The task's current directory, held; NULL when it has none any more.
struct dentry* get_task_pwd(struct task_struct* p);

// inode.c
struct inode* new_inode(umode_t mode);
void iput(struct inode* inode);
struct dentry* d_alloc(struct dentry* parent, const char* name, u32 len);
struct dentry* dget(struct dentry* dentry);
struct dentry* dget_parent(struct dentry* dentry);
void dput(struct dentry* dentry);
/// Joins a name with what it names.
void d_instantiate(struct dentry* dentry, struct inode* inode);
/// Takes the name out of its directory; who has the file open keeps it.
void d_drop(struct dentry* dentry);
/// With the directory's lock held. NULL when there is no such name.
struct dentry* d_lookup(const struct dentry* parent, const char* name, u32 len);
/// Gives the name another directory and another text.
int d_move(struct dentry* dentry, struct dentry* parent, const char* name, u32 len);
/// The absolute path of `dentry`, written to the end of `buf`; ERR_PTR(-ERANGE).
char* d_path(struct dentry* dentry, char* buf, int size);

static inline void inode_lock(struct inode* inode) { mutex_lock(&inode->i_rwsem); }

static inline void inode_unlock(struct inode* inode) { mutex_unlock(&inode->i_rwsem); }

/// The time of day.
struct timespec64 current_time(void);

// namei.c
#define LOOKUP_FOLLOW 1u
/// Copies a path from the caller of a system call: -EFAULT, -ENOENT when empty, -ENAMETOOLONG.
struct filename* getname(const char __user* filename);
struct filename* getname_kernel(const char* filename);
void putname(struct filename* name);
/// What a path leads to: a dentry that the caller puts, or ERR_PTR.
struct dentry* filename_lookup(int dfd, const struct filename* name, unsigned int flags);
/// The same for a system call's path. With AT_EMPTY_PATH, "" is `dfd` itself.
struct dentry* dentry_of_fd(int dfd);
struct dentry* user_path_at(int dfd, const char __user* name, unsigned int at_flags,
                            unsigned int flags);
/// The directory of a path's last component, which is left in *last.
struct dentry* filename_parentat(int dfd, const struct filename* name, struct qstr* last);
struct file* do_filp_open(int dfd, struct filename* pathname, int open_flag, umode_t mode);
int do_mkdirat(int dfd, struct filename* name, umode_t mode);
int do_unlinkat(int dfd, struct filename* name);
int do_rmdir(int dfd, struct filename* name);
int do_symlinkat(const char* from, int newdfd, struct filename* to);
/// Makes a device node; `fops` may be left to what the device number says.
int do_mknodat(int dfd, struct filename* name, umode_t mode, u32 dev,
               const struct file_operations* fops);
struct file* filp_open(const char* filename, int flags, umode_t mode);

// open.c
/// A file is written to or executed, not both: 0, or -ETXTBSY.
int get_write_access(struct inode* inode);
int deny_write_access(struct file* file);
/// What the two above gave to an open file, when it goes away.
void put_access(struct file* file);
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
/// From a file to kernel memory, for the kernel's own purposes.
ssize_t kernel_read(struct file* file, void* buf, size_t count, loff_t pos);

// ramfs.c
#define MAX_FILE_BYTES (1LL << 40)
extern const struct inode_operations ramfs_dir_inode_operations;
extern const struct inode_operations ramfs_file_inode_operations;
extern const struct file_operations ramfs_file_operations;
extern const struct file_operations simple_dir_operations;
/// Kernel memory to the end of a file.
int ramfs_append(struct inode* inode, const void* from, size_t count);
/// A file of `size` zero bytes without a name.
struct file* shmem_file_setup(loff_t size);

// devices.c, drivers/
extern const struct file_operations null_fops, zero_fops, console_fops, tty_fops;
/// The driver behind a character device; NULL when there is none.
const struct file_operations* chrdev_fops(u32 dev);
/// Gives /dev what user space expects there.
void devtmpfs_init(void);

// pipe.c
extern const struct file_operations pipefifo_fops;

// eventpoll.c
/// The file is about to go away.
void eventpoll_release(struct file* file);

// super.c
extern struct dentry* root_dentry;
/// The first tree: /, /dev with its devices, /tmp.
void vfs_caches_init(void);

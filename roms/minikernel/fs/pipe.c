// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/poll.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "mm/slab.h"

// A ring of bytes between two open files. Also what a FIFO in the file tree leads to.

#define PIPE_BYTES 65536u
#define PIPE_BUF 4096u
#define PIPE_ORDER 4

struct pipe_inode_info {
    struct mutex mutex;
    struct wait_queue_head wait;
    unsigned int readers, writers, files;
    unsigned int head, tail;  // written and read so far; both run on
    char* bufs;
};

static unsigned int used(const struct pipe_inode_info* pipe) { return pipe->head - pipe->tail; }

static struct pipe_inode_info* alloc_pipe_info(void) {
    struct pipe_inode_info* pipe = kmalloc(sizeof(*pipe), GFP_KERNEL | __GFP_ZERO);
    if (pipe == NULL) {
        return NULL;
    }
    pipe->bufs = (char*)__get_free_pages(GFP_KERNEL, PIPE_ORDER);
    if (pipe->bufs == NULL) {
        kfree(pipe);
        return NULL;
    }
    mutex_init(&pipe->mutex);
    init_waitqueue_head(&pipe->wait);
    return pipe;
}

// Up to the end of the ring.
static unsigned int copy_out(struct pipe_inode_info* pipe, char __user* buf, size_t count) {
    unsigned int at = pipe->tail % PIPE_BYTES;
    unsigned int n = (unsigned int)min(count, (size_t)min(used(pipe), PIPE_BYTES - at));
    n -= (unsigned int)copy_to_user(buf, pipe->bufs + at, n);
    pipe->tail += n;
    return n;
}

static unsigned int copy_in(struct pipe_inode_info* pipe, const char __user* buf, size_t count) {
    unsigned int at = pipe->head % PIPE_BYTES;
    unsigned int room = PIPE_BYTES - used(pipe);
    unsigned int n = (unsigned int)min(count, (size_t)min(room, PIPE_BYTES - at));
    n -= (unsigned int)copy_from_user(pipe->bufs + at, buf, n);
    pipe->head += n;
    return n;
}

static ssize_t pipe_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)pos;
    struct pipe_inode_info* pipe = file->private_data;
    if (count == 0) {
        return 0;
    }
    for (;;) {
        mutex_lock(&pipe->mutex);
        if (used(pipe) > 0) {
            break;
        }
        bool over = pipe->writers == 0;
        mutex_unlock(&pipe->mutex);
        if (over) {
            return 0;
        }
        if (file->f_flags & O_NONBLOCK) {
            return -EAGAIN;
        }
        if (wait_event_interruptible(pipe->wait, used(pipe) > 0 || pipe->writers == 0) != 0) {
            return -ERESTARTSYS;
        }
    }
    size_t done = copy_out(pipe, buf, count);
    if (done > 0 && done < count) {
        done += copy_out(pipe, buf + done, count - done);
    }
    mutex_unlock(&pipe->mutex);
    poll_wake(&pipe->wait);
    return done == 0 ? -EFAULT : (ssize_t)done;
}

// Not more than PIPE_BUF bytes are written all at once or not at all.
static bool has_room(const struct pipe_inode_info* pipe, size_t left) {
    return PIPE_BYTES - used(pipe) >= (left <= PIPE_BUF ? left : 1);
}

static ssize_t pipe_write(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    (void)pos;
    struct pipe_inode_info* pipe = file->private_data;
    size_t done = 0;
    ssize_t error = 0;
    while (done < count) {
        mutex_lock(&pipe->mutex);
        if (pipe->readers == 0) {
            mutex_unlock(&pipe->mutex);
            send_sig(SIGPIPE, current);
            error = -EPIPE;
            break;
        }
        if (has_room(pipe, count - done)) {
            unsigned int n = copy_in(pipe, buf + done, count - done);
            mutex_unlock(&pipe->mutex);
            if (n == 0) {
                error = -EFAULT;
                break;
            }
            done += n;
            poll_wake(&pipe->wait);
            continue;
        }
        mutex_unlock(&pipe->mutex);
        if (file->f_flags & O_NONBLOCK) {
            error = -EAGAIN;
            break;
        }
        if (wait_event_interruptible(pipe->wait,
                                     has_room(pipe, count - done) || pipe->readers == 0) != 0) {
            error = -ERESTARTSYS;
            break;
        }
    }
    return done > 0 ? (ssize_t)done : error;
}

static unsigned int pipe_poll(struct file* file, struct poll_table* wait) {
    (void)wait;
    const struct pipe_inode_info* pipe = file->private_data;
    unsigned int mask = 0;
    if (file->f_mode & FMODE_READ) {
        mask |= (used(pipe) > 0 ? POLLIN : 0) | (pipe->writers == 0 ? POLLHUP : 0);
    }
    if (file->f_mode & FMODE_WRITE) {
        mask |= (has_room(pipe, PIPE_BUF) ? POLLOUT : 0) | (pipe->readers == 0 ? POLLERR : 0);
    }
    return mask;
}

static long pipe_ioctl(struct file* file, unsigned int cmd, unsigned long arg) {
    const struct pipe_inode_info* pipe = file->private_data;
    return cmd == 0x541b /* FIONREAD */ ? put_user(used(pipe), (int __user*)arg) : -ENOTTY;
}

static void pipe_release(struct inode* inode, struct file* file) {
    struct pipe_inode_info* pipe = file->private_data;
    mutex_lock(&pipe->mutex);
    pipe->readers -= (file->f_mode & FMODE_READ) != 0;
    pipe->writers -= (file->f_mode & FMODE_WRITE) != 0;
    mutex_unlock(&pipe->mutex);
    poll_wake(&pipe->wait);
    // The count has another lock, which fifo_open takes, too: the mutex goes away with the pipe.
    inode_lock(inode);
    bool last = --pipe->files == 0;
    if (last) {
        inode->i_private = NULL;
    }
    inode_unlock(inode);
    if (!last) {
        return;
    }
    free_pages((unsigned long)pipe->bufs, PIPE_ORDER);
    kfree(pipe);
}

// A FIFO's reader waits for a writer, and the other way round. A pipe, which is opened through
// procfs, has had both.
static int fifo_open(struct inode* inode, struct file* file) {
    inode_lock(inode);
    struct pipe_inode_info* pipe = inode->i_private;
    if (pipe == NULL) {
        inode->i_private = pipe = alloc_pipe_info();
    }
    if (pipe == NULL) {
        inode_unlock(inode);
        return -ENOMEM;
    }
    bool reads = file->f_mode & FMODE_READ, writes = file->f_mode & FMODE_WRITE;
    file->private_data = pipe;
    pipe->files++;
    pipe->readers += reads;
    pipe->writers += writes;
    inode_unlock(inode);
    poll_wake(&pipe->wait);
    int error = 0;
    bool nameless = file->f_path.dentry->d_parent == file->f_path.dentry;
    if (nameless) {
        return 0;
    }
    if (file->f_flags & O_NONBLOCK) {
        error = writes && !reads && pipe->readers == 0 ? -ENXIO : 0;
    } else if (wait_event_interruptible(pipe->wait, (writes || pipe->writers > 0) &&
                                                        (reads || pipe->readers > 0)) != 0) {
        error = -ERESTARTSYS;
    }
    if (error != 0) {
        pipe_release(inode, file);
    }
    return error;
}

const struct file_operations pipefifo_fops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .unlocked_ioctl = pipe_ioctl,
    .open = fifo_open,
    .release = pipe_release,
};

static struct file* pipe_end(struct dentry* dentry, unsigned int flags) {
    struct file* file = alloc_empty_file();
    if (file != NULL) {
        // Opened by hand: neither end waits for the other.
        struct pipe_inode_info* pipe = dentry->d_inode->i_private;
        file->f_path.dentry = dget(dentry);
        file->f_inode = dentry->d_inode;
        file->f_op = &pipefifo_fops;
        file->f_flags = flags;
        file->f_mode = (flags & O_ACCMODE) == O_RDONLY ? FMODE_READ : FMODE_WRITE;
        file->private_data = pipe;
        pipe->files++;
        pipe->readers += file->f_mode == FMODE_READ;
        pipe->writers += file->f_mode == FMODE_WRITE;
    }
    return file;
}

static struct dentry* new_pipe(void) {
    struct inode* inode = new_inode(S_IFIFO | 0600);
    struct dentry* dentry = d_alloc(NULL, "pipe:", 5);
    struct pipe_inode_info* pipe = alloc_pipe_info();
    if (inode == NULL || IS_ERR(dentry) || pipe == NULL) {
        if (inode != NULL) {
            iput(inode);
        }
        if (!IS_ERR(dentry)) {
            dput(dentry);
        }
        if (pipe != NULL) {
            free_pages((unsigned long)pipe->bufs, PIPE_ORDER);
            kfree(pipe);
        }
        return NULL;
    }
    inode->i_private = pipe;
    inode->i_fop = &pipefifo_fops;
    dentry->d_inode = inode;
    return dentry;
}

static long do_pipe2(int __user* fildes, unsigned int flags) {
    if (flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK)) {
        return -EINVAL;
    }
    struct dentry* dentry = new_pipe();
    if (dentry == NULL) {
        return -ENOMEM;
    }
    struct file* files[2] = {pipe_end(dentry, O_RDONLY | flags),
                             pipe_end(dentry, O_WRONLY | flags)};
    int fds[2] = {-ENFILE, -ENFILE};
    for (int i = 0; i < 2 && files[0] != NULL && files[1] != NULL; i++) {
        fds[i] = fd_install_lowest(files[i]);
    }
    long error = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : 0;
    if (error == 0 && copy_to_user(fildes, fds, sizeof(fds)) != 0) {
        error = -EFAULT;
    }
    for (int i = 0; i < 2 && error != 0; i++) {
        if (fds[i] >= 0) {
            close_fd((unsigned int)fds[i]);
        } else if (files[i] != NULL) {
            fput(files[i]);
        }
    }
    dput(dentry);
    return error;
}

SYSCALL_DEFINE1(pipe, int __user*, fildes) { return do_pipe2(fildes, 0); }

SYSCALL_DEFINE2(pipe2, int __user*, fildes, unsigned int, flags) { return do_pipe2(fildes, flags); }

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/anon_inodes.h"
#include "fs/fs.h"
#include "fs/poll.h"
#include "kernel/syscall.h"
#include "mm/slab.h"

// A number that is added to by writing and taken by reading.

#define EFD_SEMAPHORE 1
#define ULLONG_MAX (~0ULL)

struct eventfd_ctx {
    struct wait_queue_head wqh;
    struct mutex mutex;
    u64 count;
    bool semaphore;
};

// True when there was something to take.
static bool take_count(struct eventfd_ctx* ctx, u64* value) {
    mutex_lock(&ctx->mutex);
    *value = ctx->semaphore && ctx->count > 0 ? 1 : ctx->count;
    ctx->count -= *value;
    mutex_unlock(&ctx->mutex);
    return *value != 0;
}

static ssize_t eventfd_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)pos;
    struct eventfd_ctx* ctx = file->private_data;
    u64 value;
    if (count < sizeof(value)) {
        return -EINVAL;
    }
    while (!take_count(ctx, &value)) {
        if (file->f_flags & O_NONBLOCK) {
            return -EAGAIN;
        }
        if (wait_event_interruptible(ctx->wqh, READ_ONCE(ctx->count) != 0) != 0) {
            return -ERESTARTSYS;
        }
    }
    poll_wake(&ctx->wqh);
    return put_user(value, (u64 __user*)buf) != 0 ? -EFAULT : (ssize_t)sizeof(value);
}

static bool add_count(struct eventfd_ctx* ctx, u64 value) {
    mutex_lock(&ctx->mutex);
    bool room = ULLONG_MAX - 1 - ctx->count >= value;
    ctx->count += room ? value : 0;
    mutex_unlock(&ctx->mutex);
    return room;
}

static ssize_t eventfd_write(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    (void)pos;
    struct eventfd_ctx* ctx = file->private_data;
    u64 value;
    if (count < sizeof(value)) {
        return -EINVAL;
    }
    if (get_user(value, (const u64 __user*)buf) != 0) {
        return -EFAULT;
    }
    if (value == ULLONG_MAX) {
        return -EINVAL;
    }
    while (!add_count(ctx, value)) {
        if (file->f_flags & O_NONBLOCK) {
            return -EAGAIN;
        }
        if (wait_event_interruptible(ctx->wqh, ULLONG_MAX - 1 - READ_ONCE(ctx->count) >= value) !=
            0) {
            return -ERESTARTSYS;
        }
    }
    poll_wake(&ctx->wqh);
    return (ssize_t)sizeof(value);
}

static unsigned int eventfd_poll(struct file* file, struct poll_table* wait) {
    (void)wait;
    const struct eventfd_ctx* ctx = file->private_data;
    u64 count = READ_ONCE(ctx->count);
    return (count > 0 ? POLLIN : 0) | (count < ULLONG_MAX - 1 ? POLLOUT : 0);
}

static void eventfd_release(struct inode* inode, struct file* file) {
    (void)inode;
    kfree(file->private_data);
}

static const struct file_operations eventfd_fops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
};

static long do_eventfd(unsigned int count, int flags) {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE)) {
        return -EINVAL;
    }
    struct eventfd_ctx* ctx = kmalloc(sizeof(*ctx), GFP_KERNEL | __GFP_ZERO);
    if (ctx == NULL) {
        return -ENOMEM;
    }
    init_waitqueue_head(&ctx->wqh);
    mutex_init(&ctx->mutex);
    ctx->count = count;
    ctx->semaphore = flags & EFD_SEMAPHORE;
    int fd = anon_inode_getfd("anon_inode:[eventfd]", &eventfd_fops, ctx, flags & ~EFD_SEMAPHORE);
    if (fd < 0) {
        kfree(ctx);
    }
    return fd;
}

SYSCALL_DEFINE1(eventfd, unsigned int, count) { return do_eventfd(count, 0); }

SYSCALL_DEFINE2(eventfd2, unsigned int, count, int, flags) { return do_eventfd(count, flags); }

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/poll.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/timer.h"
#include "mm/slab.h"

// A timer that is read: how often it has run out since.

#define TFD_TIMER_ABSTIME 1

struct timerfd_ctx {
    struct timer_list timer;
    struct wait_queue_head wqh;
    struct mutex mutex;
    unsigned long interval;  // in ticks; 0: once
    u64 ticks;               // how often it has run out
    int clock;
};

struct itimerspec64 {
    struct timespec64 interval, value;
};

static const struct file_operations timerfd_fops;

static void timerfd_tmrproc(struct timer_list* timer) {
    struct timerfd_ctx* ctx = container_of(timer, struct timerfd_ctx, timer);
    __atomic_add_fetch(&ctx->ticks, 1, __ATOMIC_RELAXED);
    unsigned long interval = READ_ONCE(ctx->interval);
    if (interval != 0) {
        timer->expires += interval;
        add_timer(timer);
    }
    poll_wake(&ctx->wqh);
}

static void stop(struct timerfd_ctx* ctx) {
    WRITE_ONCE(ctx->interval, 0);
    // It may have set itself again just before it saw that it should not.
    do {
        del_timer_sync(&ctx->timer);
    } while (del_timer(&ctx->timer));
}

static ssize_t timerfd_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)pos;
    struct timerfd_ctx* ctx = file->private_data;
    u64 ticks;
    if (count < sizeof(ticks)) {
        return -EINVAL;
    }
    while ((ticks = __atomic_exchange_n(&ctx->ticks, 0, __ATOMIC_RELAXED)) == 0) {
        if (file->f_flags & O_NONBLOCK) {
            return -EAGAIN;
        }
        if (wait_event_interruptible(ctx->wqh, READ_ONCE(ctx->ticks) != 0) != 0) {
            return -ERESTARTSYS;
        }
    }
    return put_user(ticks, (u64 __user*)buf) != 0 ? -EFAULT : (ssize_t)sizeof(ticks);
}

static unsigned int timerfd_poll(struct file* file, struct poll_table* wait) {
    (void)wait;
    const struct timerfd_ctx* ctx = file->private_data;
    return READ_ONCE(ctx->ticks) != 0 ? POLLIN : 0;
}

static void timerfd_release(struct inode* inode, struct file* file) {
    (void)inode;
    stop(file->private_data);
    kfree(file->private_data);
}

static const struct file_operations timerfd_fops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
};

SYSCALL_DEFINE2(timerfd_create, int, clockid, int, flags) {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) || (clockid != 0 && clockid != 1 && clockid != 7)) {
        return -EINVAL;
    }
    struct timerfd_ctx* ctx = kmalloc(sizeof(*ctx), GFP_KERNEL | __GFP_ZERO);
    if (ctx == NULL) {
        return -ENOMEM;
    }
    ctx->timer = (struct timer_list){LIST_HEAD_INIT(ctx->timer.entry), 0, timerfd_tmrproc};
    init_waitqueue_head(&ctx->wqh);
    mutex_init(&ctx->mutex);
    ctx->clock = clockid;
    int fd = anon_inode_getfd("anon_inode:[timerfd]", &timerfd_fops, ctx, flags);
    if (fd < 0) {
        kfree(ctx);
    }
    return fd;
}

static struct itimerspec64 now_on(const struct timerfd_ctx* ctx) {
    const u64 tick = 1000000000ULL / tick_hz;
    long left = (long)(ctx->timer.expires - jiffies);
    const u64 value = list_empty(&ctx->timer.entry) ? 0 : (u64)max(left, 1L) * tick;
    return (struct itimerspec64){ns_to_timespec64(ctx->interval * tick), ns_to_timespec64(value)};
}

static bool valid(const struct timespec64* ts) {
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000;
}

// When it runs out, in ticks since the machine was started.
static unsigned long expiry(const struct timerfd_ctx* ctx, struct timespec64 value, int flags) {
    if (!(flags & TFD_TIMER_ABSTIME)) {
        return jiffies + (unsigned long)timespec64_to_jiffies(&value);
    }
    if (ctx->clock == 0) {
        value.tv_sec -= current_time().tv_sec - (s64)(ktime_get_ns() / 1000000000ULL);
    }
    return (unsigned long)timespec64_to_jiffies(&value);
}

static struct file* timerfd_fget(int fd) {
    struct file* file = fget((unsigned int)fd);
    if (file != NULL && file->f_op != &timerfd_fops) {
        fput(file);
        return ERR_PTR(-EINVAL);
    }
    return file != NULL ? file : ERR_PTR(-EBADF);
}

SYSCALL_DEFINE4(timerfd_settime, int, fd, int, flags, const struct itimerspec64 __user*, new_value,
                struct itimerspec64 __user*, old_value) {
    struct itimerspec64 wanted;
    if (get_user(wanted, new_value) != 0) {
        return -EFAULT;
    }
    if ((flags & ~(TFD_TIMER_ABSTIME | 2)) || !valid(&wanted.value) || !valid(&wanted.interval)) {
        return -EINVAL;
    }
    struct file* file = timerfd_fget(fd);
    if (IS_ERR(file)) {
        return PTR_ERR(file);
    }
    struct timerfd_ctx* ctx = file->private_data;
    mutex_lock(&ctx->mutex);
    const struct itimerspec64 old = now_on(ctx);
    stop(ctx);
    __atomic_store_n(&ctx->ticks, 0, __ATOMIC_RELAXED);
    if (wanted.value.tv_sec != 0 || wanted.value.tv_nsec != 0) {
        ctx->interval = (unsigned long)timespec64_to_jiffies(&wanted.interval);
        ctx->timer.expires = expiry(ctx, wanted.value, flags);
        add_timer(&ctx->timer);
    }
    mutex_unlock(&ctx->mutex);
    fput(file);
    return old_value != NULL ? put_user(old, old_value) : 0;
}

SYSCALL_DEFINE2(timerfd_gettime, int, fd, struct itimerspec64 __user*, value) {
    struct file* file = timerfd_fget(fd);
    if (IS_ERR(file)) {
        return PTR_ERR(file);
    }
    struct timerfd_ctx* ctx = file->private_data;
    mutex_lock(&ctx->mutex);
    const struct itimerspec64 now = now_on(ctx);
    mutex_unlock(&ctx->mutex);
    fput(file);
    return put_user(now, value);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/poll.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "mm/slab.h"

struct wait_queue_head poll_waitqueue = {.head = LIST_HEAD_INIT(poll_waitqueue.head)};

struct pollfd {
    int fd;
    short events, revents;
};

static unsigned int do_pollfd(const struct pollfd* pfd) {
    if (pfd->fd < 0) {
        return 0;
    }
    struct file* file = fget((unsigned int)pfd->fd);
    if (file == NULL) {
        return POLLNVAL;
    }
    unsigned int mask = file->f_op != NULL && file->f_op->poll != NULL
                            ? file->f_op->poll(file, NULL)
                            : POLLIN | POLLOUT;
    fput(file);
    return mask & ((unsigned short)pfd->events | POLLERR | POLLHUP);
}

static int poll_once(struct pollfd* fds, unsigned int nfds) {
    int ready = 0;
    for (unsigned int i = 0; i < nfds; i++) {
        fds[i].revents = (short)do_pollfd(&fds[i]);
        ready += fds[i].revents != 0;
    }
    return ready;
}

static int wait_ready(struct pollfd* fds, unsigned int nfds, long timeout) {
    struct wait_queue_entry wait = {current, LIST_HEAD_INIT(wait.entry)};
    int ready;
    for (;;) {
        prepare_to_wait(&poll_waitqueue, &wait, TASK_INTERRUPTIBLE);
        unsigned int state = current->__state;
        (void)state;
        ready = poll_once(fds, nfds);
        if (ready != 0 || timeout == 0) {
            break;
        }
        if (signal_pending(current)) {
            ready = -EINTR;
            break;
        }
        timeout = schedule_timeout(timeout);
    }
    finish_wait(&poll_waitqueue, &wait);
    return ready;
}

static int do_poll(struct pollfd __user* ufds, unsigned int nfds, long timeout) {
    if (nfds > NR_OPEN_DEFAULT) {
        return -EINVAL;
    }
    struct pollfd* fds = kmalloc(max(nfds, 1u) * sizeof(*fds), GFP_KERNEL);
    if (fds == NULL) {
        return -ENOMEM;
    }
    int ready = copy_from_user(fds, ufds, nfds * sizeof(*fds)) != 0 ? -EFAULT : 0;
    if (ready == 0) {
        ready = wait_ready(fds, nfds, timeout);
    }
    if (ready >= 0 && copy_to_user(ufds, fds, nfds * sizeof(*fds)) != 0) {
        ready = -EFAULT;
    }
    kfree(fds);
    return ready;
}

SYSCALL_DEFINE3(poll, struct pollfd __user*, ufds, unsigned int, nfds, int, timeout_msecs) {
    return do_poll(ufds, nfds,
                   timeout_msecs < 0
                       ? MAX_SCHEDULE_TIMEOUT
                       : (long)((u64)timeout_msecs * tick_hz / 1000 + (timeout_msecs > 0)));
}

SYSCALL_DEFINE3(ppoll, struct pollfd __user*, ufds, unsigned int, nfds,
                const struct timespec64 __user*, tsp) {
    struct timespec64 ts;
    if (tsp != NULL && get_user(ts, tsp) != 0) {
        return -EFAULT;
    }
    return do_poll(ufds, nfds, tsp != NULL ? timespec64_to_jiffies(&ts) : MAX_SCHEDULE_TIMEOUT);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/anon_inodes.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/poll.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "mm/slab.h"

// A list of open files that is kept between waits. It does not hold them: a file that is closed for
// the last time leaves every list (eventpoll_release). Each wait looks at the whole list.
//
// EPOLLET reports readiness to write once; readiness to read is reported as long as it lasts, which
// costs a program that reads until EAGAIN nothing.

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define MAX_ITEMS 1024u

struct epoll_event {
    u32 events;
    u64 data;
} __attribute__((packed));

struct epitem {
    struct list_head in_list, in_file;
    struct file* file;
    int fd;
    struct epoll_event event;
    u32 reported;
};

struct eventpoll {
    struct list_head items;
};

static const struct file_operations eventpoll_fops;
// Guards all lists, and keeps their files from going away meanwhile.
static struct mutex epmutex = {.wait = {.head = LIST_HEAD_INIT(epmutex.wait.head)}};

static void ep_remove(struct epitem* item) {
    list_del_init(&item->in_list);
    list_del_init(&item->in_file);
    kfree(item);
}

void eventpoll_release(struct file* file) {
    struct epitem *item, *next;
    mutex_lock(&epmutex);
    list_for_each_entry_safe(item, next, &file->f_ep, in_file) { ep_remove(item); }
    mutex_unlock(&epmutex);
}

static void ep_release(struct inode* inode, struct file* file) {
    (void)inode;
    struct eventpoll* ep = file->private_data;
    struct epitem *item, *next;
    mutex_lock(&epmutex);
    list_for_each_entry_safe(item, next, &ep->items, in_list) { ep_remove(item); }
    mutex_unlock(&epmutex);
    kfree(ep);
}

static u32 ready_events(const struct epitem* item) {
    const struct file_operations* f_op = item->file->f_op;
    u32 mask = f_op->poll != NULL ? f_op->poll(item->file, NULL) : POLLIN | POLLOUT;
    return mask & (item->event.events | POLLERR | POLLHUP);
}

// How many of the list are ready; their events are in `events`.
static int ep_collect(struct eventpoll* ep, struct epoll_event* events, int most) {
    struct epitem* item;
    int count = 0;
    mutex_lock(&epmutex);
    list_for_each_entry(item, &ep->items, in_list) {
        u32 ready = ready_events(item), fresh = ready;
        if (item->event.events & EPOLLET) {
            fresh &= ~(item->reported & POLLOUT);
        }
        item->reported = ready;
        if (fresh == 0 || count == most) {
            continue;
        }
        events[count++] = (struct epoll_event){fresh, item->event.data};
        if (item->event.events & EPOLLONESHOT) {
            item->event.events = EPOLLONESHOT;  // until EPOLL_CTL_MOD
        }
    }
    mutex_unlock(&epmutex);
    return count;
}

static int ep_poll(struct eventpoll* ep, struct epoll_event* events, int most, long timeout) {
    struct wait_queue_entry wait = {current, LIST_HEAD_INIT(wait.entry)};
    int count;
    for (;;) {
        prepare_to_wait(&poll_waitqueue, &wait, TASK_INTERRUPTIBLE);
        count = ep_collect(ep, events, most);
        if (count != 0 || timeout == 0) {
            break;
        }
        if (signal_pending(current)) {
            count = -EINTR;
            break;
        }
        // Looking may have waited for a lock, and left us running: then look again.
        timeout = schedule_timeout(timeout);
    }
    finish_wait(&poll_waitqueue, &wait);
    return count;
}

static long do_epoll_create(int flags) {
    if (flags & ~O_CLOEXEC) {
        return -EINVAL;
    }
    struct eventpoll* ep = kmalloc(sizeof(*ep), GFP_KERNEL | __GFP_ZERO);
    if (ep == NULL) {
        return -ENOMEM;
    }
    INIT_LIST_HEAD(&ep->items);
    int fd = anon_inode_getfd("anon_inode:[eventpoll]", &eventpoll_fops, ep, flags);
    if (fd < 0) {
        kfree(ep);
    }
    return fd;
}

SYSCALL_DEFINE1(epoll_create, int, size) { return size <= 0 ? -EINVAL : do_epoll_create(0); }

SYSCALL_DEFINE1(epoll_create1, int, flags) { return do_epoll_create(flags); }

static struct epitem* ep_find(struct eventpoll* ep, const struct file* file, int fd) {
    struct epitem* item;
    list_for_each_entry(item, &ep->items, in_list) {
        if (item->file == file && item->fd == fd) {
            return item;
        }
    }
    return NULL;
}

static long ep_insert(struct eventpoll* ep, struct file* file, int fd,
                      const struct epoll_event* event) {
    struct epitem* item;
    unsigned int count = 0;
    list_for_each_entry(item, &ep->items, in_list) { count++; }
    item = count >= MAX_ITEMS ? NULL : kmalloc(sizeof(*item), GFP_KERNEL);
    if (item == NULL) {
        return count >= MAX_ITEMS ? -ENOSPC : -ENOMEM;
    }
    *item = (struct epitem){.file = file, .fd = fd, .event = *event};
    list_add_tail(&item->in_list, &ep->items);
    list_add_tail(&item->in_file, &file->f_ep);
    return 0;
}

// With epmutex held.
static long ep_change(struct eventpoll* ep, int op, struct file* file, int fd,
                      const struct epoll_event* event) {
    struct epitem* item = ep_find(ep, file, fd);
    if (op == EPOLL_CTL_ADD) {
        return item != NULL ? -EEXIST : ep_insert(ep, file, fd, event);
    }
    if (item == NULL || (op != EPOLL_CTL_DEL && op != EPOLL_CTL_MOD)) {
        return item == NULL ? -ENOENT : -EINVAL;
    }
    if (op == EPOLL_CTL_DEL) {
        ep_remove(item);
    } else {
        item->event = *event;
        item->reported = 0;
    }
    return 0;
}

static long do_epoll_ctl(struct file* epfile, int op, int fd, const struct epoll_event* event) {
    struct file* file = fget((unsigned int)fd);
    if (file == NULL) {
        return -EBADF;
    }
    // Only what can become ready; and no list in a list.
    long error = epfile->f_op != &eventpoll_fops || file == epfile ? -EINVAL
                 : file->f_op == NULL || file->f_op->poll == NULL  ? -EPERM
                 : file->f_op == &eventpoll_fops                   ? -EINVAL
                                                                   : 0;
    if (error == 0) {
        mutex_lock(&epmutex);
        error = ep_change(epfile->private_data, op, file, fd, event);
        mutex_unlock(&epmutex);
    }
    fput(file);
    __wake_up(&poll_waitqueue, TASK_NORMAL);
    return error;
}

SYSCALL_DEFINE4(epoll_ctl, int, epfd, int, op, int, fd, const struct epoll_event __user*, event) {
    struct epoll_event wanted = {0, 0};
    if (op != EPOLL_CTL_DEL && get_user(wanted, event) != 0) {
        return -EFAULT;
    }
    struct file* epfile = fget((unsigned int)epfd);
    if (epfile == NULL) {
        return -EBADF;
    }
    long error = do_epoll_ctl(epfile, op, fd, &wanted);
    fput(epfile);
    return error;
}

static long do_epoll_wait(int epfd, struct epoll_event __user* uevents, int most, int timeout_ms) {
    if (most <= 0) {
        return -EINVAL;
    }
    struct file* file = fget((unsigned int)epfd);
    if (file == NULL) {
        return -EBADF;
    }
    most = min(most, (int)MAX_ITEMS);
    long timeout = timeout_ms < 0 ? MAX_SCHEDULE_TIMEOUT
                                  : (long)((u64)timeout_ms * tick_hz / 1000 + (timeout_ms > 0));
    struct epoll_event* events = kmalloc((size_t)most * sizeof(*events), GFP_KERNEL);
    long count = file->f_op != &eventpoll_fops ? -EINVAL
                 : events == NULL              ? -ENOMEM
                                               : ep_poll(file->private_data, events, most, timeout);
    if (count > 0 && copy_to_user(uevents, events, (size_t)count * sizeof(*events)) != 0) {
        count = -EFAULT;
    }
    kfree(events);
    fput(file);
    return count;
}

SYSCALL_DEFINE4(epoll_wait, int, epfd, struct epoll_event __user*, events, int, most, int,
                timeout) {
    return do_epoll_wait(epfd, events, most, timeout);
}

SYSCALL_DEFINE6(epoll_pwait, int, epfd, struct epoll_event __user*, events, int, most, int, timeout,
                const sigset_t __user*, sigmask, size_t, size) {
    long count = set_user_sigmask(sigmask, size);
    if (count == 0) {
        count = do_epoll_wait(epfd, events, most, timeout);
        restore_user_sigmask(sigmask, count == -EINTR);
    }
    return count;
}

static unsigned int ep_eventpoll_poll(struct file* file, struct poll_table* wait) {
    (void)wait;
    struct eventpoll* ep = file->private_data;
    const struct epitem* item;
    unsigned int mask = 0;
    mutex_lock(&epmutex);
    list_for_each_entry(item, &ep->items, in_list) { mask |= ready_events(item) != 0 ? POLLIN : 0; }
    mutex_unlock(&epmutex);
    return mask;
}

static const struct file_operations eventpoll_fops = {
    .poll = ep_eventpoll_poll,
    .release = ep_release,
};

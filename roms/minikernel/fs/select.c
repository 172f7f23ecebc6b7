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

SYSCALL_DEFINE5(ppoll, struct pollfd __user*, ufds, unsigned int, nfds,
                const struct timespec64 __user*, tsp, const sigset_t __user*, sigmask, size_t,
                size) {
    struct timespec64 ts;
    if (tsp != NULL && get_user(ts, tsp) != 0) {
        return -EFAULT;
    }
    int ready = set_user_sigmask(sigmask, size);
    if (ready == 0) {
        ready = do_poll(ufds, nfds,
                        tsp != NULL ? timespec64_to_jiffies(&ts) : MAX_SCHEDULE_TIMEOUT);
        restore_user_sigmask(sigmask, ready == -EINTR);
    }
    return ready;
}

// select(2): three sets of descriptors, a bit for each, instead of a list.

#define SET_WORDS (NR_OPEN_DEFAULT / 64)

struct fd_sets {
    u64 set[3][SET_WORDS];  // to read, to write, exceptions
};

static const unsigned int kind_in[3] = {POLLIN, POLLOUT, POLLPRI};
static const unsigned int kind_out[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};

static bool is_set(const u64* set, unsigned int fd) { return set[fd / 64] >> fd % 64 & 1; }

static unsigned int sets_to_list(const struct fd_sets* sets, unsigned int n, struct pollfd* fds) {
    unsigned int count = 0;
    for (unsigned int fd = 0; fd < n; fd++) {
        unsigned int events = 0;
        for (int kind = 0; kind < 3; kind++) {
            events |= is_set(sets->set[kind], fd) ? kind_in[kind] : 0;
        }
        if (events != 0) {
            fds[count++] = (struct pollfd){(int)fd, (short)events, 0};
        }
    }
    return count;
}

// How many bits are set in what comes back; -EBADF.
static int list_to_sets(const struct pollfd* fds, unsigned int count, struct fd_sets* sets) {
    int bits = 0;
    *sets = (struct fd_sets){0};
    for (unsigned int i = 0; i < count; i++) {
        if (fds[i].revents & (short)POLLNVAL) {
            return -EBADF;
        }
        for (int kind = 0; kind < 3; kind++) {
            if (((unsigned short)fds[i].events & kind_in[kind]) &&
                ((unsigned short)fds[i].revents & kind_out[kind])) {
                sets->set[kind][fds[i].fd / 64] |= 1ULL << fds[i].fd % 64;
                bits++;
            }
        }
    }
    return bits;
}

static int do_select(struct fd_sets* sets, unsigned int n, long timeout) {
    struct pollfd* fds = kmalloc(NR_OPEN_DEFAULT * sizeof(*fds), GFP_KERNEL);
    if (fds == NULL) {
        return -ENOMEM;
    }
    unsigned int count = sets_to_list(sets, n, fds);
    int ready = wait_ready(fds, count, timeout);
    if (ready >= 0) {
        ready = list_to_sets(fds, count, sets);
    }
    kfree(fds);
    return ready;
}

static int core_sys_select(int n, u64 __user* const* usets, long timeout) {
    struct fd_sets sets = {0};
    if (n < 0) {
        return -EINVAL;
    }
    unsigned int bits = min((unsigned int)n, (unsigned int)NR_OPEN_DEFAULT);
    size_t bytes = (bits + 63) / 64 * 8;
    for (int kind = 0; kind < 3; kind++) {
        if (usets[kind] != NULL && copy_from_user(sets.set[kind], usets[kind], bytes) != 0) {
            return -EFAULT;
        }
    }
    int ready = do_select(&sets, bits, timeout);
    for (int kind = 0; kind < 3 && ready >= 0; kind++) {
        if (usets[kind] != NULL && copy_to_user(usets[kind], sets.set[kind], bytes) != 0) {
            ready = -EFAULT;
        }
    }
    return ready;
}

SYSCALL_DEFINE5(select, int, n, u64 __user*, inp, u64 __user*, outp, u64 __user*, exp,
                struct timeval __user*, tvp) {
    struct timeval tv;
    long timeout = MAX_SCHEDULE_TIMEOUT;
    if (tvp != NULL) {
        if (get_user(tv, tvp) != 0) {
            return -EFAULT;
        }
        if (tv.tv_sec < 0 || tv.tv_usec < 0) {
            return -EINVAL;
        }
        const struct timespec64 ts = {tv.tv_sec + tv.tv_usec / 1000000,
                                      tv.tv_usec % 1000000 * 1000};
        timeout = timespec64_to_jiffies(&ts);
    }
    u64 __user* const usets[3] = {inp, outp, exp};
    return core_sys_select(n, usets, timeout);
}

struct sigset_argpack {
    const sigset_t __user* p;
    size_t size;
};

SYSCALL_DEFINE6(pselect6, int, n, u64 __user*, inp, u64 __user*, outp, u64 __user*, exp,
                const struct timespec64 __user*, tsp, const struct sigset_argpack __user*, sig) {
    struct timespec64 ts;
    struct sigset_argpack mask = {NULL, 0};
    if ((tsp != NULL && get_user(ts, tsp) != 0) || (sig != NULL && get_user(mask, sig) != 0)) {
        return -EFAULT;
    }
    u64 __user* const usets[3] = {inp, outp, exp};
    int ready = set_user_sigmask(mask.p, mask.size);
    if (ready == 0) {
        ready = core_sys_select(n, usets,
                                tsp != NULL ? timespec64_to_jiffies(&ts) : MAX_SCHEDULE_TIMEOUT);
        restore_user_sigmask(mask.p, ready == -EINTR);
    }
    return ready;
}

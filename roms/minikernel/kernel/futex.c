// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/futex.h"

#include "arch/uaccess.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "mm/mm_types.h"

// Waiting for a word of user memory to change. A word is known by its physical page, so that
// processes that share memory meet.

#define FUTEX_CMD_MASK 0x7f
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10

struct futex_q {
    struct list_head list;
    struct task_struct* task;
    phys_addr_t key;
    u32 bitset;
};

static struct list_head waiters = LIST_HEAD_INIT(waiters);
static spinlock_t futex_lock;

static phys_addr_t futex_key(unsigned long uaddr) {
    struct mm_struct* mm = current->mm;
    u32 word;
    // Written or not, the page must be there, and our own.
    if ((uaddr & 3) || get_user(word, (u32 __user*)uaddr) != 0) {
        return 0;
    }
    mutex_lock(&mm->mmap_lock);
    struct page* page = follow_page(mm, uaddr);
    mutex_unlock(&mm->mmap_lock);
    if (page == NULL) {
        return 0;
    }
    phys_addr_t key = ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT) | (uaddr & ~PAGE_MASK);
    put_page(page);
    return key;
}

int do_futex_wake(unsigned long uaddr, int nr, u32 bitset) {
    phys_addr_t key = futex_key(uaddr);
    struct futex_q *q, *next;
    int woken = 0;
    if (key == 0) {
        return -EFAULT;
    }
    spin_lock(&futex_lock);
    list_for_each_entry_safe(q, next, &waiters, list) {
        if (q->key == key && (q->bitset & bitset) && woken < nr) {
            list_del_init(&q->list);
            wake_up_process(q->task);
            woken++;
        }
    }
    spin_unlock(&futex_lock);
    return woken;
}

static int futex_wait(unsigned long uaddr, u32 val, long timeout, u32 bitset) {
    struct futex_q q = {LIST_HEAD_INIT(q.list), current, futex_key(uaddr), bitset};
    u32 now;
    if (q.key == 0) {
        return -EFAULT;
    }
    // Queued first: who changes the word after we read it finds us.
    spin_lock(&futex_lock);
    list_add_tail(&q.list, &waiters);
    spin_unlock(&futex_lock);
    int error = get_user(now, (u32 __user*)uaddr) != 0 ? -EFAULT : now != val ? -EAGAIN : 0;
    while (error == 0) {
        set_current_state(TASK_INTERRUPTIBLE);
        if (list_empty(&q.list)) {
            break;
        }
        error = signal_pending(current) ? -ERESTARTSYS : timeout == 0 ? -ETIMEDOUT : 0;
        if (error == 0) {
            timeout = schedule_timeout(timeout);
        }
    }
    set_current_state(TASK_RUNNING);
    spin_lock(&futex_lock);
    bool woken = list_empty(&q.list);
    list_del_init(&q.list);
    spin_unlock(&futex_lock);
    return woken ? 0 : error;
}

static int futex_requeue(unsigned long uaddr, int nr_wake, unsigned long uaddr2, int nr_requeue) {
    phys_addr_t to = futex_key(uaddr2), from = futex_key(uaddr);
    if (to == 0 || from == 0) {
        return -EFAULT;
    }
    int woken = do_futex_wake(uaddr, nr_wake, ~0u);
    struct futex_q* q;
    spin_lock(&futex_lock);
    list_for_each_entry(q, &waiters, list) {
        if (q->key == from && nr_requeue-- > 0) {
            q->key = to;
            woken++;
        }
    }
    spin_unlock(&futex_lock);
    return woken;
}

SYSCALL_DEFINE6(futex, unsigned long, uaddr, int, op, u32, val, const struct timespec64 __user*,
                utime, unsigned long, uaddr2, u32, val3) {
    int cmd = op & FUTEX_CMD_MASK;
    long timeout = MAX_SCHEDULE_TIMEOUT;
    struct timespec64 ts;
    u32 now;
    if ((cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET) && utime != NULL) {
        if (get_user(ts, utime) != 0) {
            return -EFAULT;
        }
        timeout = timespec64_to_jiffies(&ts);
        if (cmd == FUTEX_WAIT_BITSET) {
            struct timespec64 start = op & 256 ? current_time() : ns_to_timespec64(ktime_get_ns());
            timeout -= timespec64_to_jiffies(&start);
            timeout = max(timeout, 0L);
        }
    }
    switch (cmd) {
        case FUTEX_WAIT: return futex_wait(uaddr, val, timeout, ~0u);
        case FUTEX_WAIT_BITSET: return val3 == 0 ? -EINVAL : futex_wait(uaddr, val, timeout, val3);
        case FUTEX_WAKE: return do_futex_wake(uaddr, (int)val, ~0u);
        case FUTEX_WAKE_BITSET: return val3 == 0 ? -EINVAL : do_futex_wake(uaddr, (int)val, val3);
        case FUTEX_CMP_REQUEUE:
            if (get_user(now, (u32 __user*)uaddr) != 0) {
                return -EFAULT;
            }
            if (now != val3) {
                return -EAGAIN;
            }
            return futex_requeue(uaddr, (int)val, uaddr2, (int)(unsigned long)utime);
        case FUTEX_REQUEUE:
            return futex_requeue(uaddr, (int)val, uaddr2, (int)(unsigned long)utime);
        default: return -ENOSYS;
    }
}

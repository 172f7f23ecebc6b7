// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/wait.h"

#define POLLIN 0x0001u
#define POLLPRI 0x0002u
#define POLLOUT 0x0004u
#define POLLERR 0x0008u
#define POLLHUP 0x0010u
#define POLLNVAL 0x0020u

/// Who polls; any file that may become ready wakes this queue.
struct poll_table;

/// There is one queue for all who poll: after a wake-up, they look again.
extern struct wait_queue_head poll_waitqueue;
/// A file may have become ready.
static inline void poll_wake(struct wait_queue_head* own) {
    __wake_up(own, 3 /* TASK_NORMAL */);
    __wake_up(&poll_waitqueue, 3);
}

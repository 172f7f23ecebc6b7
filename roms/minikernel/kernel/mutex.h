// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/wait.h"

/// A lock whose waiters sleep.
struct mutex {
    struct task_struct* owner;
    struct wait_queue_head wait;
};

void mutex_init(struct mutex* lock);
void mutex_lock(struct mutex* lock);
void mutex_unlock(struct mutex* lock);

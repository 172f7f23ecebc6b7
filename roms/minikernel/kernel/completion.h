// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/wait.h"

/// One task waits until another one is done with something. May live on the waiter's stack.
struct completion {
    bool done;
    struct wait_queue_head wait;
};

#define COMPLETION_INITIALIZER(name)                        \
    {                                                       \
        .wait = {.head = LIST_HEAD_INIT((name).wait.head) } \
    }

void complete(struct completion* x);
/// Not even a signal ends it.
void wait_for_completion(struct completion* x);

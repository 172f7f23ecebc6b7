// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// A kernel stack of THREAD_SIZE bytes with nothing mapped below it; NULL when there is no memory.
void* alloc_thread_stack(void);
void free_thread_stack(void* stack);
/// Is `address` in the hole below a stack?
bool in_stack_guard(unsigned long address);
void thread_stack_init(void);

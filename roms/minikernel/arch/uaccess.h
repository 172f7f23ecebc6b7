// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/sched.h"
#include "lib/errno.h"

/// The end of user space: one page below the hole that no address may lie in.
#define TASK_SIZE 0x00007ffffffff000UL

/// May the current task name these bytes in a system call? A kernel thread's own pointers are
/// kernel pointers.
static inline bool access_ok(const void __user* ptr, size_t size) {
    return (current->flags & PF_KTHREAD) ||
           (size <= TASK_SIZE && (unsigned long)ptr <= TASK_SIZE - size);
}

/// How many bytes could not be copied: 0 when all is well.
unsigned long copy_to_user(void __user* to, const void* from, size_t n);
unsigned long copy_from_user(void* to, const void __user* from, size_t n);
unsigned long clear_user(void __user* to, size_t n);
/// Copies a string of at most count - 1 characters. Its length, `count` when there is no end in
/// sight, or -EFAULT.
long strncpy_from_user(char* dst, const char __user* src, long count);

/// 0 or -EFAULT.
#define put_user(x, ptr)                                            \
    ({                                                              \
        __typeof__(*(ptr)) value_ = (__typeof__(*(ptr)))(x);        \
        copy_to_user((ptr), &value_, sizeof(value_)) ? -EFAULT : 0; \
    })
#define get_user(x, ptr) (copy_from_user(&(x), (ptr), sizeof(x)) ? -EFAULT : 0)

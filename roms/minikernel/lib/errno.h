// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Linux's numbers (<asm-generic/errno-base.h>).
#define ENOENT 2
#define ENXIO 6
#define EBADF 9
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EEXIST 17
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define EMFILE 24
#define EFBIG 27
#define ENAMETOOLONG 36
#define ENOTEMPTY 39

// A pointer-returning function may return an error as one of the last 4095 addresses.
#define MAX_ERRNO 4095

static inline void* ERR_PTR(long error) { return (void*)error; }

static inline long PTR_ERR(const void* ptr) { return (long)ptr; }

static inline int IS_ERR(const void* ptr) {
    return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

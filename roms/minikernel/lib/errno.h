// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Linux's numbers (<asm-generic/errno-base.h>, <asm-generic/errno.h>).
#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define ENOEXEC 8
#define EBADF 9
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define EXDEV 18
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define ENFILE 23
#define EMFILE 24
#define ENOTTY 25
#define ETXTBSY 26
#define EFBIG 27
#define ENOSPC 28
#define ESPIPE 29
#define EPIPE 32
#define ERANGE 34
#define ENAMETOOLONG 36
#define ENOSYS 38
#define ENOTEMPTY 39
#define ELOOP 40
#define ETIMEDOUT 110

// Never seen by a program: what becomes of a system call that a signal interrupted.
#define EBADFD 77
#define ENOTSOCK 88
#define EPROTOTYPE 91
#define EPROTONOSUPPORT 93
#define ESOCKTNOSUPPORT 94
#define EOPNOTSUPP 95
#define EAFNOSUPPORT 97
#define EADDRINUSE 98
#define EISCONN 106
#define ENOTCONN 107
#define ECONNREFUSED 111
#define ERESTARTSYS 512

// A pointer-returning function may return an error as one of the last 4095 addresses.
#define MAX_ERRNO 4095

static inline void* ERR_PTR(long error) { return (void*)error; }

static inline long PTR_ERR(const void* ptr) { return (long)ptr; }

static inline int IS_ERR(const void* ptr) {
    return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Integer names as in Linux's <linux/types.h>: BPF programs meet them again in vmlinux.h.
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef _Bool bool;
enum { false = 0, true = 1 };

typedef unsigned long size_t;
typedef long ssize_t;
typedef unsigned long uintptr_t;
typedef long long loff_t;
typedef int pid_t;
typedef unsigned short umode_t;
typedef unsigned int fmode_t;
typedef unsigned int gfp_t;
typedef u64 phys_addr_t;

#define NULL ((void*)0)

// Marks pointers that a system call got from its caller.
#define __user

#define offsetof(type, member) __builtin_offsetof(type, member)
#define container_of(ptr, type, member) ((type*)((char*)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define READ_ONCE(x) (*(const volatile __typeof__(x)*)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x)*)&(x) = (value))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define barrier() __asm__ volatile("" ::: "memory")

#define __noreturn __attribute__((noreturn))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __printf(text, first) __attribute__((format(printf, text, first)))

// Code that runs while a probe is being handled: no probe may be put there (see kernel.lds).
#define __kprobes __attribute__((section(".kprobes.text")))

#define static_assert _Static_assert

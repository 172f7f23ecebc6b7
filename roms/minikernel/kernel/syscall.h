// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"
#include "arch/uaccess.h"

// SYSCALL_DEFINE3(read, unsigned int, fd, char __user*, buf, size_t, count) { ... } makes
// __x64_sys_read(regs), as in Linux: arguments come from the registers that the program left.

#define SYSCALL_FUNCTION(name, parameters, arguments)                             \
    static inline __attribute__((always_inline)) long __do_sys_##name parameters; \
    long __x64_sys_##name(const struct pt_regs* regs);                            \
    long __x64_sys_##name(const struct pt_regs* regs) {                           \
        (void)regs;                                                               \
        return __do_sys_##name arguments;                                         \
    }                                                                             \
    static inline __attribute__((always_inline)) long __do_sys_##name parameters

#define SYSCALL_DEFINE0(name) SYSCALL_FUNCTION(name, (void), ())
#define SYSCALL_DEFINE1(name, t1, a1) SYSCALL_FUNCTION(name, (t1 a1), ((t1)regs->di))
#define SYSCALL_DEFINE2(name, t1, a1, t2, a2) \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2), ((t1)regs->di, (t2)regs->si))
#define SYSCALL_DEFINE3(name, t1, a1, t2, a2, t3, a3) \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2, t3 a3), ((t1)regs->di, (t2)regs->si, (t3)regs->dx))
#define SYSCALL_DEFINE4(name, t1, a1, t2, a2, t3, a3, t4, a4) \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2, t3 a3, t4 a4),      \
                     ((t1)regs->di, (t2)regs->si, (t3)regs->dx, (t4)regs->r10))
#define SYSCALL_DEFINE5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5),       \
                     ((t1)regs->di, (t2)regs->si, (t3)regs->dx, (t4)regs->r10, (t5)regs->r8))
#define SYSCALL_DEFINE6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
    SYSCALL_FUNCTION(                                                         \
        name, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6),                     \
        ((t1)regs->di, (t2)regs->si, (t3)regs->dx, (t4)regs->r10, (t5)regs->r8, (t6)regs->r9))

typedef long (*sys_call_ptr_t)(const struct pt_regs* regs);
/// The system call with this number; one that returns -ENOSYS when there is none.
sys_call_ptr_t sys_call(unsigned long nr);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"
#include "arch/uaccess.h"
#include "kernel/trace/tracepoint.h"

// SYSCALL_DEFINE3(read, unsigned int, fd, char __user*, buf, size_t, count) { ... } makes
// __x64_sys_read(regs), as in Linux: arguments come from the registers that the program left.

// Beside it stands what a tracer wants to know of the call: its name, its arguments' types and
// names.

/// Linux's, as far as it has the same fields.
struct syscall_metadata {
    const char* name;  // "sys_read"
    int nb_args;
    const char* const* types;
    const char* const* args;
    struct static_key enter, exit;  // of events syscalls:sys_enter_read and sys_exit_read
};

#define __stringify_(x) #x
#define __stringify(x) __stringify_(x)

#define SYSCALL_FUNCTION(name, parameters, arguments, n, ...)                         \
    static const char* const syscall_types_##name[] = {__VA_ARGS__};                  \
    extern struct syscall_metadata __syscall_meta_##name;                             \
    struct syscall_metadata __syscall_meta_##name = {                                 \
        "sys_" #name, n, syscall_types_##name, syscall_types_##name + (n), {0}, {0}}; \
    static inline __attribute__((always_inline)) long __do_sys_##name parameters;     \
    long __x64_sys_##name(const struct pt_regs* regs);                                \
    long __x64_sys_##name(const struct pt_regs* regs) {                               \
        (void)regs;                                                                   \
        return __do_sys_##name arguments;                                             \
    }                                                                                 \
    static inline __attribute__((always_inline)) long __do_sys_##name parameters

#define SYSCALL_DEFINE0(name) SYSCALL_FUNCTION(name, (void), (), 0, NULL)
#define SYSCALL_DEFINE1(name, t1, a1) \
    SYSCALL_FUNCTION(name, (t1 a1), ((t1)regs->di), 1, __stringify(t1), #a1)
#define SYSCALL_DEFINE2(name, t1, a1, t2, a2)                                                \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2), ((t1)regs->di, (t2)regs->si), 2, __stringify(t1), \
                     __stringify(t2), #a1, #a2)
#define SYSCALL_DEFINE3(name, t1, a1, t2, a2, t3, a3)                                            \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2, t3 a3), ((t1)regs->di, (t2)regs->si, (t3)regs->dx), 3, \
                     __stringify(t1), __stringify(t2), __stringify(t3), #a1, #a2, #a3)
#define SYSCALL_DEFINE4(name, t1, a1, t2, a2, t3, a3, t4, a4)                                      \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2, t3 a3, t4 a4),                                           \
                     ((t1)regs->di, (t2)regs->si, (t3)regs->dx, (t4)regs->r10), 4,                 \
                     __stringify(t1), __stringify(t2), __stringify(t3), __stringify(t4), #a1, #a2, \
                     #a3, #a4)
#define SYSCALL_DEFINE5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                            \
    SYSCALL_FUNCTION(name, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5),                                  \
                     ((t1)regs->di, (t2)regs->si, (t3)regs->dx, (t4)regs->r10, (t5)regs->r8), 5, \
                     __stringify(t1), __stringify(t2), __stringify(t3), __stringify(t4),         \
                     __stringify(t5), #a1, #a2, #a3, #a4, #a5)
#define SYSCALL_DEFINE6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                     \
    SYSCALL_FUNCTION(                                                                             \
        name, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6),                                         \
        ((t1)regs->di, (t2)regs->si, (t3)regs->dx, (t4)regs->r10, (t5)regs->r8, (t6)regs->r9), 6, \
        __stringify(t1), __stringify(t2), __stringify(t3), __stringify(t4), __stringify(t5),      \
        __stringify(t6), #a1, #a2, #a3, #a4, #a5, #a6)

typedef long (*sys_call_ptr_t)(const struct pt_regs* regs);
/// The system call with this number; one that returns -ENOSYS when there is none.
sys_call_ptr_t sys_call(unsigned long nr);
/// NULL when there is no such call.
const struct syscall_metadata* syscall_nr_to_meta(long nr);
static inline void syscall_get_arguments(const struct pt_regs* regs, unsigned long* args) {
    args[0] = regs->di;
    args[1] = regs->si;
    args[2] = regs->dx;
    args[3] = regs->r10;
    args[4] = regs->r8;
    args[5] = regs->r9;
}
/// The system call's tracepoints (kernel/trace/syscalls.c).
void syscall_trace_enter(struct pt_regs* regs, long nr);
void syscall_trace_exit(struct pt_regs* regs, long nr);

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/syscall.h"
#include "kernel/task.h"

// System calls that change nothing here, or that refuse as a Linux does that was built without
// their subsystem.

// There is no network, and no address family.
SYSCALL_DEFINE3(socket, int, family, int, type, int, protocol) {
    (void)family;
    (void)type;
    (void)protocol;
    return -EAFNOSUPPORT;
}

SYSCALL_DEFINE4(socketpair, int, family, int, type, int, protocol, int __user*, usockvec) {
    (void)family;
    (void)type;
    (void)protocol;
    (void)usockvec;
    return -EAFNOSUPPORT;
}

// All tasks have the same turns.
SYSCALL_DEFINE2(getpriority, int, which, int, who) {
    (void)who;
    return which < 0 || which > 2 ? -EINVAL : 20;
}

SYSCALL_DEFINE3(setpriority, int, which, int, who, int, niceval) {
    (void)who;
    (void)niceval;
    return which < 0 || which > 2 ? -EINVAL : 0;
}

// Nothing is ever written out, read ahead or locked.
SYSCALL_DEFINE4(fadvise64, int, fd, long, offset, size_t, len, int, advice) {
    (void)fd;
    (void)offset;
    (void)len;
    return advice < 0 || advice > 7 ? -EINVAL : 0;
}

SYSCALL_DEFINE2(mlock, unsigned long, start, size_t, len) {
    (void)start;
    (void)len;
    return 0;
}

// A futex of a thread that dies is left to those who wait with a time limit.
SYSCALL_DEFINE2(set_robust_list, void __user*, head, size_t, len) {
    (void)head;
    return len != 24 ? -EINVAL : 0;
}

SYSCALL_DEFINE1(personality, unsigned int, persona) {
    return persona == 0 || persona == ~0u ? 0 : -EINVAL;
}

SYSCALL_DEFINE3(getresuid, u32 __user*, ruid, u32 __user*, euid, u32 __user*, suid) {
    return put_user(0, ruid) != 0 || put_user(0, euid) != 0 || put_user(0, suid) != 0 ? -EFAULT : 0;
}

SYSCALL_DEFINE3(getcpu, unsigned int __user*, cpu, unsigned int __user*, node, void __user*,
                unused) {
    (void)unused;
    unsigned int here = READ_ONCE(current->thread_info.cpu);
    return (cpu != NULL && put_user(here, cpu) != 0) || (node != NULL && put_user(0, node) != 0)
               ? -EFAULT
               : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/syscall.h"

// Linux's numbers on x86-64.

// clang-format off
#define SYSCALLS(X) \
    X(0, read) X(1, write) X(2, open) X(3, close) X(4, stat) X(5, fstat) X(6, lstat) X(7, poll) \
    X(8, lseek) X(9, mmap) X(10, mprotect) X(11, munmap) X(12, brk) X(13, rt_sigaction) \
    X(14, rt_sigprocmask) X(15, rt_sigreturn) X(16, ioctl) X(17, pread64) X(18, pwrite64) \
    X(19, readv) X(20, writev) X(21, access) X(22, pipe) X(23, select) X(24, sched_yield) \
    X(25, mremap) X(26, msync) X(28, madvise) X(32, dup) X(33, dup2) X(34, pause) \
    X(35, nanosleep) X(36, getitimer) X(37, alarm) X(38, setitimer) X(39, getpid) X(40, sendfile) \
    X(41, socket) X(53, socketpair) X(56, clone) X(57, fork) X(58, vfork) X(59, execve) \
    X(60, exit) X(61, wait4) X(62, kill) X(63, uname) X(72, fcntl) X(74, fsync) X(76, truncate) \
    X(77, ftruncate) X(79, getcwd) X(80, chdir) X(81, fchdir) X(82, rename) X(83, mkdir) \
    X(84, rmdir) X(85, creat) X(86, link) X(87, unlink) X(88, symlink) X(89, readlink) \
    X(90, chmod) X(91, fchmod) X(92, chown) X(93, fchown) X(94, lchown) X(95, umask) \
    X(96, gettimeofday) X(97, getrlimit) X(98, getrusage) X(99, sysinfo) X(100, times) \
    X(102, getuid) X(105, setuid) X(109, setpgid) X(110, getppid) X(111, getpgrp) X(112, setsid) \
    X(115, getgroups) X(118, getresuid) X(121, getpgid) X(124, getsid) X(127, rt_sigpending) \
    X(128, rt_sigtimedwait) X(130, rt_sigsuspend) X(131, sigaltstack) X(133, mknod) \
    X(135, personality) X(137, statfs) X(138, fstatfs) X(140, getpriority) X(141, setpriority) \
    X(149, mlock) X(157, prctl) X(158, arch_prctl) X(160, setrlimit) X(162, sync) X(165, mount) \
    X(166, umount) X(169, reboot) X(170, sethostname) X(175, init_module) X(176, delete_module) \
    X(186, gettid) X(200, tkill) X(201, time) X(202, futex) X(204, sched_getaffinity) \
    X(213, epoll_create) X(217, getdents64) X(218, set_tid_address) X(221, fadvise64) \
    X(228, clock_gettime) X(229, clock_getres) X(230, clock_nanosleep) X(231, exit_group) \
    X(232, epoll_wait) X(233, epoll_ctl) X(234, tgkill) X(257, openat) X(258, mkdirat) \
    X(259, mknodat) X(260, fchownat) X(262, newfstatat) X(263, unlinkat) X(264, renameat) \
    X(265, linkat) X(266, symlinkat) X(267, readlinkat) X(268, fchmodat) X(269, faccessat) \
    X(270, pselect6) X(271, ppoll) X(273, set_robust_list) X(280, utimensat) X(281, epoll_pwait) \
    X(283, timerfd_create) X(284, eventfd) X(285, fallocate) X(286, timerfd_settime) \
    X(287, timerfd_gettime) X(290, eventfd2) X(291, epoll_create1) X(292, dup3) X(293, pipe2) \
    X(302, prlimit64) X(309, getcpu) X(313, finit_module) X(316, renameat2) X(318, getrandom) \
    X(332, statx) X(435, clone3) X(439, faccessat2)

// Numbers that share a function: everybody is root, and stays so.
#define MORE_SYSCALLS(X) \
    X(75, fsync) X(104, getuid) X(106, setuid) X(107, getuid) X(108, getuid) X(113, setuid) \
    X(114, setuid) X(116, setuid) X(117, setuid) X(119, setuid) X(120, getresuid) X(150, mlock) \
    X(306, fsync)
// clang-format on

#define DECLARE(nr, name)                              \
    long __x64_sys_##name(const struct pt_regs* regs); \
    extern struct syscall_metadata __syscall_meta_##name;
SYSCALLS(DECLARE)

#define ENTRY(nr, name) [nr] = __x64_sys_##name,
static const sys_call_ptr_t sys_call_table[] = {SYSCALLS(ENTRY) MORE_SYSCALLS(ENTRY)};

#define META(nr, name) [nr] = &__syscall_meta_##name,
static struct syscall_metadata* const syscalls_metadata[] = {SYSCALLS(META) MORE_SYSCALLS(META)};

const struct syscall_metadata* syscall_nr_to_meta(long nr) {
    return (unsigned long)nr < ARRAY_SIZE(syscalls_metadata) ? syscalls_metadata[nr] : NULL;
}

static long sys_ni_syscall(const struct pt_regs* regs) {
    (void)regs;
    return -ENOSYS;
}

sys_call_ptr_t sys_call(unsigned long nr) {
    return nr < ARRAY_SIZE(sys_call_table) && sys_call_table[nr] != NULL ? sys_call_table[nr]
                                                                         : sys_ni_syscall;
}

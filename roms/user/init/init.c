/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first program of a guest that `trapgate run` boots: mounts what every Linux program expects,
 * runs one program on the serial console, and ends the machine with its status. That program is the
 * one in /trapgate/program (its words, each with a NUL), or a shell for the command in
 * /trapgate/command, or a shell for whoever sits at the console.
 *
 * - The console loses ONLCR: a line of output ends with "\n", as the command wrote it.
 * - We lead the terminal's session ourselves: when a session's leader exits, the kernel hangs up
 * its terminal, and what was not yet sent is lost.
 * - The status leaves by the debug-exit port (one byte, through /dev/port). 128 + N stands for
 * signal N, as in a shell.
 * - busybox's halt, poweroff and reboot signal us: SIGUSR1, SIGUSR2, SIGTERM.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/termbits.h>
#include <linux/fcntl.h>
#include <linux/reboot.h>
#include <linux/wait.h>

#include "syscall.h"

#define DEBUG_EXIT_PORT 0xf4
#define NOT_EXECUTABLE 126
#define NO_SHELL 127
#define WORDS_BYTES 65792
#define MOST_ARGUMENTS 4096

static const char* const environment[] = {"HOME=/root", "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
                                          "TERM=linux", 0};

static unsigned long length(const char* text) {
    unsigned long n = 0;
    while (text[n] != 0) {
        n++;
    }
    return n;
}

static void say(const char* text) { CALL3(write, 2, text, length(text)); }

static int exists(const char* path) { return CALL2(access, path, 0) == 0; }

/* Reads a small file; it always ends with a NUL. */
static long read_text(const char* path, char* to, unsigned long size) {
    const long file = CALL3(open, path, O_RDONLY, 0);
    unsigned long used = 0;
    if (file < 0) {
        return file;
    }
    while (used < size - 1) {
        const long got = CALL3(read, file, to + used, size - 1 - used);
        if (got <= 0) {
            break;
        }
        used += (unsigned long)got;
    }
    to[used] = 0;
    CALL1(close, file);
    return (long)used;
}

static void mount_at(const char* type, const char* path) {
    CALL2(mkdir, path, 0755);
    CALL5(mount, type, path, type, 0, 0);
}

/*
 * What wait_for() waits for, and SIGTTOU, which would stop us at the terminal's end; blocked
 * everywhere but in the child.
 */
static const unsigned long our_signals = 1UL << (SIGCHLD - 1) | 1UL << (SIGUSR1 - 1) |
                                         1UL << (SIGUSR2 - 1) | 1UL << (SIGTERM - 1) |
                                         1UL << (SIGTTOU - 1);

static void mask_our_signals(int how) {
    CALL4(rt_sigprocmask, how, &our_signals, 0, sizeof(our_signals));
}

/* Runs a program and waits for it; nobody is interested in its status. */
static void run_quietly(const char* path, const char* const* arguments) {
    const long child = CALL0(fork);
    if (child == 0) {
        CALL3(execve, path, arguments, environment);
        CALL1(exit_group, NO_SHELL);
    }
    CALL4(wait4, child, 0, 0, 0);
}

/*
 * The terminal behind /dev/console, which itself cannot be a controlling terminal. A kernel that
 * does not say has only one.
 */
static void find_terminal(char* path, unsigned long size) {
    static const char folder[] = "/dev/";
    char names[128];
    unsigned long from = 0;
    unsigned long at = 0;
    if (read_text("/sys/class/tty/console/active", names, sizeof(names)) <= 0) {
        names[0] = 0;
    }
    /* The last one listed is what /dev/console leads to. */
    for (unsigned long i = 0; names[i] != 0; i++) {
        if (names[i] == '\n') {
            names[i] = 0;
            break;
        }
        if (names[i] == ' ') {
            from = i + 1;
        }
    }
    const char* name = names[from] != 0 ? names + from : "ttyS0";
    for (; folder[at] != 0; at++) {
        path[at] = folder[at];
    }
    for (unsigned long i = 0; name[i] != 0 && at < size - 1; i++) {
        path[at++] = name[i];
    }
    path[at] = 0;
}

/* Opens the terminal as standard input, output and error, and as our controlling terminal. */
static void open_terminal(const char* path) {
    const long terminal = CALL3(open, path, O_RDWR, 0);
    struct termios settings;
    if (terminal < 0) {
        return;
    }
    if (CALL3(ioctl, terminal, TCGETS, &settings) == 0) {
        settings.c_oflag &= ~(tcflag_t)ONLCR;
        CALL3(ioctl, terminal, TCSETS, &settings);
    }
    for (long fd = 0; fd < 3; fd++) {
        CALL2(dup2, terminal, fd);
    }
    if (terminal > 2) {
        CALL1(close, terminal);
    }
    CALL0(setsid);
    CALL3(ioctl, 0, TIOCSCTTY, 0);
}

/* In a process group of its own, in the foreground. */
static void lead_job(void) {
    const int own_group = (int)CALL0(getpid);
    CALL2(setpgid, 0, 0);
    CALL3(ioctl, 0, TIOCSPGRP, &own_group);
    mask_our_signals(SIG_UNBLOCK);
    CALL1(chdir, exists("/root") ? "/root" : "/");
}

static void become_shell(const char* command) {
    static const char* const shells[] = {"/bin/busybox", "/bin/sh"};
    const char* const arguments[] = {"sh", command != 0 ? "-c" : 0, command, 0};
    for (unsigned i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        CALL3(execve, shells[i], arguments, environment);
    }
    say("init: no /bin/busybox and no /bin/sh in the initrd\n");
    CALL1(exit_group, NO_SHELL);
}

static void become_program(const char* words, unsigned long size) {
    static const char* arguments[MOST_ARGUMENTS + 1];
    unsigned count = 0;
    for (unsigned long at = 0; at < size && count < MOST_ARGUMENTS; at += length(words + at) + 1) {
        arguments[count++] = words + at;
    }
    CALL3(execve, arguments[0], arguments, environment);
    say("init: this kernel cannot execute ");
    say(arguments[0]);
    say("\n");
    CALL1(exit_group, NOT_EXECUTABLE);
}

static void __attribute__((noreturn)) end_machine(int status) {
    const unsigned char byte = (unsigned char)status;
    CALL3(ioctl, 1, TCSBRK, 1); /* until the last byte has left */
    const long port = CALL3(open, "/dev/port", O_WRONLY, 0);
    CALL4(pwrite64, port, &byte, 1, DEBUG_EXIT_PORT);
    say("init: /dev/port does not work here; restarting instead\n");
    for (;;) {
        CALL4(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0);
    }
}

static void say_killed(int signal) {
    const char digits[] = {(char)('0' + signal / 10), (char)('0' + signal % 10), '\n', 0};
    say("init: killed by signal ");
    say(signal < 10 ? digits + 1 : digits);
}

/* Waits for our one child; others that lost their parents come to us, too. */
static void wait_for(long child) {
    for (;;) {
        const long signal = CALL4(rt_sigtimedwait, &our_signals, 0, 0, sizeof(our_signals));
        int status = 0;
        if (signal == SIGUSR1 || signal == SIGUSR2) {
            end_machine(0);
        }
        if (signal == SIGTERM) {
            CALL4(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0);
        }
        for (long ended; (ended = CALL4(wait4, -1, &status, WNOHANG, 0)) > 0;) {
            if (ended == child) {
                const int signal_of_child = status & 0x7f;
                if (signal_of_child != 0) {
                    say_killed(signal_of_child);
                }
                end_machine(signal_of_child == 0 ? status >> 8 : 128 + signal_of_child);
            }
        }
    }
}

void __attribute__((noreturn, used)) start(void) {
    static char words[WORDS_BYTES];
    char terminal[64];
    mount_at("proc", "/proc");
    mount_at("sysfs", "/sys");
    mount_at("devtmpfs", "/dev");
    CALL2(mkdir, "/tmp", 01777);
    CALL2(mkdir, "/root", 0700);
    find_terminal(terminal, sizeof(terminal));
    open_terminal(terminal);
    if (!exists("/bin/sh") && exists("/bin/busybox")) {
        const char* const arguments[] = {"busybox", "--install", "-s", "/bin", 0};
        run_quietly("/bin/busybox", arguments);
    }
    const long size = read_text("/trapgate/program", words, sizeof(words));
    const char* command = size < 0 && read_text("/trapgate/command", words, sizeof(words)) > 0
                              ? words
                              : 0;
    mask_our_signals(SIG_BLOCK);
    const long child = CALL0(fork);
    if (child == 0) {
        lead_job();
        if (size > 0) {
            become_program(words, (unsigned long)size);
        }
        become_shell(command);
    }
    wait_for(child);
    __builtin_unreachable();
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    xor %ebp, %ebp\n"
    "    and $-16, %rsp\n"
    "    call start\n");

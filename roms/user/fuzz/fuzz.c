/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz CALLS SEED: so many system calls with random numbers and arguments, by children that live
 * for a few dozen of them. All that it asks of the kernel is to be there at the end. Run it as the
 * only program: it kills everything that its children leave behind.
 *
 * Left out: what ends the machine or this program from outside (reboot, signals to others, writes
 * to I/O ports).
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS_OF_A_CHILD 64
#define MOST_NUMBER 460
#define AREA 65536

static uint64_t state;
static volatile long* done;  /* shared: how many calls there were */
static volatile long* last;  /* shared: the last one's number */
static unsigned char* area;  /* what valid pointers point into */
static unsigned char* fixed; /* a page that cannot be written */

static const char* const paths[] = {
    "/tmp/fuzz-a",
    "/tmp/fuzz-b",
    "/tmp/fuzz-d",
    "/tmp/fuzz-d/e",
    "/tmp",
    "/",
    ".",
    "..",
    "",
    "/proc/self/maps",
    "/proc/self/fd/5",
    "/proc/meminfo",
    "/proc/self/stat",
    "/dev/zero",
    "/dev/null",
    "/dev/random",
    "/dev/full",
    "/proc",
    "/nowhere",
    "/bin/busybox",
    "fuzz-relative",
    "/proc/self/exe",
    "/tmp/fuzz-a/x",
    "/dev/tty",
};
static const char* const made[] = {"/tmp/fuzz-a", "/tmp/fuzz-b", "/tmp/fuzz-d/e", "fuzz-relative"};

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static long call(long number, const uint64_t* a) {
    long result;
    register uint64_t r10 __asm__("r10") = a[3];
    register uint64_t r8 __asm__("r8") = a[4];
    register uint64_t r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static uint64_t pointer(void) {
    const uint64_t r = next();
    switch (r % 12) {
        case 0: return 0;
        case 1: return 0xffff888000000000 + (r >> 16) % (256 << 20);
        case 2: return 0xffffffff81000000 + (r >> 16) % (1 << 20);
        case 3: return 0x00007ffffffff000 - (r >> 16) % 4096;
        case 4: return r | 1UL << 62;
        case 5: return (uint64_t)area + AREA - (r >> 16) % 16;
        case 6: return (uint64_t)fixed + (r >> 16) % 4096;
        case 7: return (r >> 16) % 0x10000;
        default: return (uint64_t)area + (r >> 16) % AREA / 8 * 8;
    }
}

static uint64_t argument(void) {
    const uint64_t r = next();
    switch (r % 16) {
        case 0: return 0;
        case 1: return (r >> 8) % 16;
        case 2: return (uint64_t)-1;
        case 3: return 1UL << (r >> 8) % 64;
        case 4: return r;
        case 5: return (uint32_t)r;
        case 6: return (r >> 8) % 64 * 4096;
        case 7: return (uint64_t)-100; /* AT_FDCWD */
        case 8:
        case 9: return (uint64_t)paths[(r >> 8) % (sizeof(paths) / sizeof(paths[0]))];
        case 10:
        case 11: return 3 + (r >> 8) % 8;
        default: return pointer();
    }
}

static long number(void) {
    for (;;) {
        /* Mostly calls that exist. */
        const uint64_t r = next();
        const long nr = (long)(r % 4 != 0 ? (r >> 8) % 335 : (r >> 8) % MOST_NUMBER);
        if (nr != SYS_reboot && nr != SYS_exit && nr != SYS_exit_group) {
            return nr;
        }
    }
}

static void child(uint64_t seed) {
    const long me = syscall(SYS_getpid);
    const uint64_t none[6] = {0};
    state = seed | 1;
    syscall(SYS_setsid);
    for (int i = 0; i < AREA; i += 8) {
        const uint64_t value = argument();
        memcpy(area + i, &value, 8);
    }
    for (int i = 0; i < CALLS_OF_A_CHILD; i++) {
        uint64_t a[6];
        const long nr = number();
        for (int j = 0; j < 6; j++) {
            a[j] = argument();
        }
        if (nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill) {
            a[0] = (uint64_t)me;
            a[1] = nr == SYS_tgkill ? (uint64_t)me : a[1];
        }
        *last = nr;
        ++*done;
        call(nr, a);
        /* A copy of us. */
        if (call(SYS_getpid, none) != me) {
            call(SYS_exit, none);
        }
    }
    call(SYS_exit_group, none);
}

static void tidy_up(void) {
    kill(-1, SIGKILL);
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
    for (unsigned i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        unlink(made[i]);
        rmdir(made[i]);
    }
    rmdir("/tmp/fuzz-d");
}

/* Gives it 20 ms, of which it may sleep through all. */
static void run_child(uint64_t seed) {
    const struct timespec moment = {0, 2000000};
    const pid_t pid = fork();
    if (pid == 0) {
        child(seed);
    }
    if (pid < 0) {
        tidy_up();
        return;
    }
    for (int i = 0; i < 10; i++) {
        if (waitpid(pid, 0, WNOHANG) == pid) {
            break;
        }
        nanosleep(&moment, 0);
    }
    tidy_up();
    waitpid(pid, 0, 0);
}

int main(int argc, char** argv) {
    const long calls = argc > 1 ? atol(argv[1]) : 1000;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], 0, 0) : 1;
    const int shared = PROT_READ | PROT_WRITE;
    /* Far from what calls write to. */
    done = mmap((void*)0x700000000, 4096, shared, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    last = done + 1;
    area = mmap(0, AREA, shared, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fixed = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int out = dup(1);
    const int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) {
        dup2(null, fd);
    }
    close(null);
    fcntl(out, F_SETFD, FD_CLOEXEC);
    const int hidden = fcntl(out, F_DUPFD_CLOEXEC, 200); /* children find it by chance only */
    close(out);
    signal(SIGHUP, SIG_IGN);
    for (uint64_t round = 0; *done < calls; round++) {
        run_child(seed * 0x9e3779b97f4a7c15 + round * 0xbf58476d1ce4e5b9);
    }
    return dprintf(hidden, "fuzz: %ld calls, the kernel is there\n", *done) > 0 ? 0 : 1;
}

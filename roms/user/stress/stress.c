/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stress [OPERATIONS]: every part below at the same time, with so many operations in all (100000),
 * and as much free memory afterwards as before. stress PART [OPERATIONS]: one of them.
 * Each part knows what must come out; the first thing that does not ends the program with 1.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 4096

static const char* part_name = "stress";

static void expect(int good, const char* what) {
    if (!good) {
        printf("%s: wrong: %s\n", part_name, what);
        fflush(stdout);
        _exit(1);
    }
}

static uint32_t next(uint32_t* seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static int wait_for(pid_t child) {
    int status = 0;
    expect(waitpid(child, &status, 0) == child, "waitpid");
    expect(WIFEXITED(status), "the child exits");
    return WEXITSTATUS(status);
}

/* Each fourth child becomes this program again; all give their number back. */
static void storm(long operations) {
    for (long i = 0; i < operations; i++) {
        const pid_t child = fork();
        expect(child >= 0, "fork");
        if (child == 0) {
            if (i % 4 == 0) {
                char number[24];
                snprintf(number, sizeof(number), "%ld", i & 0x7f);
                execl("/proc/self/exe", "stress", "exit", number, (char*)0);
            }
            _exit((int)(i & 0x7f));
        }
        expect(wait_for(child) == (i & 0x7f), "the child's status");
    }
}

/* Writes, reads back, renames and removes. */
static void files(long operations) {
    char name[64], other[64];
    uint32_t data[512], read_back[512], seed = 1;
    snprintf(name, sizeof(name), "/tmp/stress-%d", getpid());
    snprintf(other, sizeof(other), "/tmp/stress-%d-b", getpid());
    for (long i = 0; i < operations; i += 8) {
        for (int j = 0; j < 512; j++) {
            data[j] = next(&seed);
        }
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        expect(fd >= 0, "open");
        expect(pwrite(fd, data, sizeof(data), i % 7 * 1000) == sizeof(data), "pwrite");
        expect(rename(name, other) == 0, "rename");
        expect(pread(fd, read_back, sizeof(data), i % 7 * 1000) == sizeof(data), "pread");
        expect(memcmp(data, read_back, sizeof(data)) == 0, "what was written is read");
        expect(lseek(fd, 0, SEEK_END) == i % 7 * 1000 + (long)sizeof(data), "the size");
        expect(close(fd) == 0 && unlink(other) == 0 && access(other, F_OK) != 0, "unlink");
    }
}

/* A child sends every number back, plus one. */
static void pipes(long operations) {
    int there[2], back[2];
    expect(pipe(there) == 0 && pipe(back) == 0, "pipe");
    const pid_t child = fork();
    expect(child >= 0, "fork");
    if (child == 0) {
        long number;
        close(there[1]);
        while (read(there[0], &number, sizeof(number)) == sizeof(number)) {
            number++;
            expect(write(back[1], &number, sizeof(number)) == sizeof(number), "write");
        }
        _exit(0);
    }
    close(there[0]);
    for (long i = 0; i < operations; i += 4) {
        long answer = 0;
        expect(write(there[1], &i, sizeof(i)) == sizeof(i), "write");
        expect(read(back[0], &answer, sizeof(answer)) == sizeof(answer), "read");
        expect(answer == i + 1, "the answer");
    }
    close(there[1]);
    expect(wait_for(child) == 0, "the child's status");
    close(back[0]);
    close(back[1]);
}

/* Touches pages, some of them again as copies of a child's. */
static void faults(long operations) {
    for (long i = 0; i < operations; i += 32) {
        volatile unsigned char* at = mmap(0, 32 * PAGE, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        expect(at != MAP_FAILED, "mmap");
        for (int page = 0; page < 32; page++) {
            expect(at[page * PAGE] == 0, "fresh memory is zero");
            at[page * PAGE + page] = (unsigned char)(page + 1);
        }
        if (i % 512 == 0) {
            const pid_t child = fork();
            expect(child >= 0, "fork");
            if (child == 0) {
                for (int page = 0; page < 32; page++) {
                    expect(at[page * PAGE + page] == page + 1, "the parent's memory");
                    at[page * PAGE + page] = 0xff;
                }
                _exit(7);
            }
            expect(wait_for(child) == 7, "the child's status");
        }
        expect(mprotect((void*)at, 16 * PAGE, PROT_READ) == 0, "mprotect");
        for (int page = 0; page < 32; page++) {
            expect(at[page * PAGE + page] == page + 1, "what was written stays");
        }
        expect(munmap((void*)at, 32 * PAGE) == 0, "munmap");
    }
}

static void calls(long operations) {
    const pid_t parent = getppid();
    const int fd = open("/dev/zero", O_RDONLY);
    struct timespec before, now;
    char byte = 1;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (long i = 0; i < operations; i += 4) {
        expect(getppid() == parent, "getppid");
        expect(read(fd, &byte, 1) == 1 && byte == 0, "read");
        expect(read(99, &byte, 1) < 0 && write(fd, &byte, 1) < 0, "errors");
        clock_gettime(CLOCK_MONOTONIC, &now);
        expect(now.tv_sec > before.tv_sec ||
                   (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec),
               "time does not run back");
        before = now;
    }
    close(fd);
}

static volatile sig_atomic_t caught;

static void on_signal(int number) { caught += number == SIGUSR1; }

static void signals(long operations) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t blocked, pending;
    expect(sigaction(SIGUSR1, &action, 0) == 0, "sigaction");
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    long sent = 0;
    for (long i = 0; i < operations; i += 4) {
        expect(kill(getpid(), SIGUSR1) == 0, "kill");
        expect(caught == ++sent, "the handler has run");
        sigprocmask(SIG_BLOCK, &blocked, 0);
        raise(SIGUSR1);
        raise(SIGUSR1);
        sigpending(&pending);
        expect(sigismember(&pending, SIGUSR1) == 1 && caught == sent, "it waits");
        sigprocmask(SIG_UNBLOCK, &blocked, 0);
        expect(caught == ++sent, "it has come once");
    }
}

#define THREADS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long total, turn;

static void* count_up(void* arg) {
    const long rounds = *(long*)arg;
    for (long i = 0; i < rounds; i++) {
        pthread_mutex_lock(&lock);
        total++;
        pthread_mutex_unlock(&lock);
    }
    return 0;
}

static void* take_turns(void* arg) {
    const long me = *(long*)arg;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 10; i++) {
        while (turn % THREADS != me) {
            pthread_cond_wait(&changed, &lock);
        }
        turn++;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

static void run_threads(void* (*function)(void*), long* arguments) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        expect(pthread_create(&threads[i], 0, function, &arguments[i]) == 0, "pthread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        expect(pthread_join(threads[i], 0) == 0, "pthread_join");
    }
}

static void threads(long operations) {
    long rounds[THREADS], ids[THREADS];
    for (int i = 0; i < THREADS; i++) {
        rounds[i] = 50;
        ids[i] = i;
    }
    for (long i = 0; i < operations; i += THREADS * 60) {
        total = turn = 0;
        run_threads(count_up, rounds);
        expect(total == THREADS * 50, "every addition counts");
        run_threads(take_turns, ids);
        expect(turn == THREADS * 10, "every turn was taken");
    }
}

static const struct part {
    const char* name;
    void (*run)(long operations);
    int share; /* of 100 operations */
} parts[] = {
    {"fork", storm, 2},     {"file", files, 20},     {"pipe", pipes, 16},    {"fault", faults, 20},
    {"syscall", calls, 20}, {"signal", signals, 12}, {"futex", threads, 10},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void run_all(long operations) {
    pid_t children[PARTS];
    for (unsigned i = 0; i < PARTS; i++) {
        children[i] = fork();
        expect(children[i] >= 0, "fork");
        if (children[i] == 0) {
            part_name = parts[i].name;
            parts[i].run(operations * parts[i].share / 100);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < PARTS; i++) {
        expect(wait_for(children[i]) == 0, parts[i].name);
    }
}

static long free_kilobytes(void) {
    char text[512] = "";
    const int fd = open("/proc/meminfo", O_RDONLY);
    expect(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, "/proc/meminfo");
    close(fd);
    const char* at = strstr(text, "MemFree:");
    return at != 0 ? atol(at + 8) : 0;
}

int main(int argc, char** argv) {
    const char* name = argc > 1 ? argv[1] : "";
    const long given = argc > 2 ? atol(argv[2]) : 0;
    if (strcmp(name, "exit") == 0) {
        return (int)given;
    }
    for (unsigned i = 0; i < PARTS; i++) {
        if (strcmp(name, parts[i].name) == 0) {
            part_name = name;
            parts[i].run(given > 0 ? given : 1000);
            printf("%s: pass\n", name);
            return 0;
        }
    }
    const long operations = atol(name) > 0 ? atol(name) : 100000;
    run_all(2000); /* what the kernel keeps once it was used */
    const long before = free_kilobytes();
    run_all(operations);
    const long after = free_kilobytes();
    printf("stress: %ld operations, %ld kB more in use: %s\n", operations, before - after,
           before == after ? "pass" : "FAIL");
    return before == after ? 0 : 1;
}

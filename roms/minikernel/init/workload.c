// SPDX-License-Identifier: GPL-2.0-only
#include "init/workload.h"

#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "lib/crc32.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/slab.h"

// Something to probe: tasks that write files, read them back and remove them. README.md says how
// often each function is called; every number follows from `tasks` and `loops` alone, so keep the
// two files together.

#define BLOCK_SIZE 1024
#define BLOCKS 4
#define FILES 4  // names that one task uses in turn

struct worker {
    unsigned int id, loops;
};

static long open_file(const char* path, int flags) {
    struct open_how how = {.flags = (unsigned int)flags, .mode = 0644};
    return do_sys_openat2(AT_FDCWD, path, &how);
}

static void fill_block(u64* block, u64 seed) {
    for (unsigned int i = 0; i < BLOCK_SIZE / sizeof(*block); i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        block[i] = seed;
    }
}

// The checksum of what should be in the file now.
static u32 workload_write(const char* path, u64 seed) {
    u64* block = kmalloc(BLOCK_SIZE, GFP_KERNEL);
    if (block == NULL) {
        return 0;
    }
    long fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    u32 crc = ~0u;
    for (unsigned int i = 0; i < BLOCKS; i++) {
        fill_block(block, seed + i);
        ksys_write((unsigned int)fd, (const char*)block, BLOCK_SIZE);
        crc = crc32_le(crc, (const unsigned char*)block, BLOCK_SIZE);
    }
    close_fd((unsigned int)fd);
    kfree(block);
    return crc;
}

static u32 workload_read(const char* path) {
    char* block = kmalloc(BLOCK_SIZE, GFP_KERNEL);
    if (block == NULL) {
        return 1;
    }
    long fd = open_file(path, O_RDONLY);
    u32 crc = ~0u;
    ssize_t n;
    while ((n = ksys_read((unsigned int)fd, block, BLOCK_SIZE)) > 0) {
        crc = crc32_le(crc, (const unsigned char*)block, (size_t)n);
    }
    close_fd((unsigned int)fd);
    kfree(block);
    return crc;
}

static int workload_unlink(const char* path) {
    struct filename* name = getname(path);
    int error = do_unlinkat(AT_FDCWD, name);
    putname(name);
    return error;
}

static void file_name(char* path, size_t size, unsigned int id, unsigned int n) {
    snprintf(path, size, "/tmp/worker%u-%u", id, n % FILES);
}

/// One task; its exit code is the number of files that did not read back as they were written.
static int worker_thread(void* arg) {
    const struct worker* me = arg;
    int bad = 0;
    char path[32];
    for (unsigned int i = 0; i < me->loops; i++) {
        file_name(path, sizeof(path), me->id, i);
        u32 written = workload_write(path, (u64)me->id << 32 | i);
        bad += workload_read(path) != written;
        if (i % 2 == 1) {
            set_current_state(TASK_INTERRUPTIBLE);
            schedule_timeout(1);
        }
    }
    for (unsigned int n = 0; n < min(me->loops, (unsigned int)FILES); n++) {
        file_name(path, sizeof(path), me->id, n);
        bad += workload_unlink(path) != 0;
    }
    printk("%s[%d]: %u files written and read, %d bad\n", current->comm, current->pid, me->loops,
           bad);
    return bad;
}

static int run_workers(unsigned int tasks, unsigned int loops) {
    struct worker* workers = kmalloc(tasks * sizeof(*workers), GFP_KERNEL);
    int bad = 0;
    if (workers == NULL) {
        return 1;
    }
    for (unsigned int i = 0; i < tasks; i++) {
        char comm[TASK_COMM_LEN];
        workers[i] = (struct worker){i, loops};
        snprintf(comm, sizeof(comm), "worker/%u", i);
        bad += kernel_thread(worker_thread, &workers[i], comm, 0) < 0;
    }
    int stat;
    while (kernel_wait(-1, &stat) > 0) {
        bad += stat;
    }
    kfree(workers);
    return bad;
}

static int expect(const char* what, long got, long wanted) {
    if (got != wanted) {
        printk("workload: %s: %ld instead of %ld\n", what, got, wanted);
    }
    return got != wanted;
}

// One use of each device, and of each way to fail.
static int check_files(void) {
    int bad = 0;
    char bytes[16] = {1};
    const char* greeting = "Hello from /dev/console\n";
    bad += expect("no such file", open_file("/no/such/file", O_RDONLY), -ENOENT);
    bad += expect("bad address", open_file((const char*)0x10, O_RDONLY), -EFAULT);
    bad += expect("open console", open_file("/dev/console", O_WRONLY), 0);
    bad += expect("open zero", open_file("/dev/zero", O_RDONLY), 1);
    bad += expect("open null", open_file("/dev/null", O_WRONLY), 2);
    bad += expect("write console", ksys_write(0, greeting, strlen(greeting)),
                  (long)strlen(greeting));
    bad += expect("read zero", ksys_read(1, bytes, sizeof(bytes)), sizeof(bytes));
    bad += expect("zero", bytes[0], 0);
    bad += expect("write null", ksys_write(2, bytes, sizeof(bytes)), sizeof(bytes));
    bad += expect("write to a read-only file", ksys_write(1, bytes, sizeof(bytes)), -EBADF);
    for (unsigned int fd = 0; fd < 3; fd++) {
        bad += expect("close", close_fd(fd), 0);
    }
    return bad;
}

int run_workload(unsigned int tasks, unsigned int loops) {
    unsigned long free_before = nr_free_pages();
    int bad = check_files();
    bad += run_workers(tasks, loops);
    // The last one's stack may still be on its way back, on another CPU.
    for (int i = 0; i < 10000 && nr_free_pages() != free_before; i++) {
        schedule();
    }
    bad += expect("free pages afterwards", (long)nr_free_pages(), (long)free_before);
    return bad;
}

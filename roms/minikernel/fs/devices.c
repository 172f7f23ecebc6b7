// SPDX-License-Identifier: GPL-2.0-only
#include "arch/io.h"
#include "drivers/serial.h"
#include "fs/fs.h"
#include "kernel/random.h"
#include "kernel/syscall.h"
#include "lib/string.h"

static ssize_t read_null(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)buf;
    (void)count;
    (void)pos;
    return 0;
}

static ssize_t write_null(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)buf;
    (void)pos;
    return (ssize_t)count;
}

static ssize_t write_full(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)buf;
    (void)count;
    (void)pos;
    return -ENOSPC;
}

static ssize_t read_zero(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)pos;
    return clear_user(buf, count) != 0 ? -EFAULT : (ssize_t)count;
}

static ssize_t read_random(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)pos;
    return get_random_bytes_user(buf, count);
}

// Port `*pos` and those behind it, a byte each.
static ssize_t write_port(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    for (size_t i = 0; i < count && *pos < 65536; i++) {
        u8 byte;
        if (get_user(byte, (const u8 __user*)buf + i) != 0) {
            return -EFAULT;
        }
        outb(byte, (u16)(*pos)++);
    }
    return (ssize_t)count;
}

static ssize_t read_port(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    for (size_t i = 0; i < count && *pos < 65536; i++) {
        if (put_user(inb((u16)(*pos)++), buf + i) != 0) {
            return -EFAULT;
        }
    }
    return (ssize_t)count;
}

static ssize_t write_console(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    return tty_fops.write(file, buf, count, pos);
}

static ssize_t read_console(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    return tty_fops.read(file, buf, count, pos);
}

static unsigned int poll_console(struct file* file, struct poll_table* wait) {
    return tty_fops.poll(file, wait);
}

static long ioctl_console(struct file* file, unsigned int cmd, unsigned long arg) {
    return tty_fops.unlocked_ioctl(file, cmd, arg);
}

const struct file_operations null_fops = {.read = read_null, .write = write_null};
const struct file_operations zero_fops = {.read = read_zero, .write = write_null};
static const struct file_operations full_fops = {.read = read_zero, .write = write_full};
static const struct file_operations random_fops = {.read = read_random, .write = write_null};
static const struct file_operations port_fops = {.read = read_port, .write = write_port};
const struct file_operations console_fops = {
    .read = read_console,
    .write = write_console,
    .poll = poll_console,
    .unlocked_ioctl = ioctl_console,
};

static const struct device {
    const char* path;
    u32 dev;
    const struct file_operations* fops;
} devices[] = {
    {"/dev/console", MKDEV(5, 1), &console_fops}, {"/dev/null", MKDEV(1, 3), &null_fops},
    {"/dev/zero", MKDEV(1, 5), &zero_fops},       {"/dev/full", MKDEV(1, 7), &full_fops},
    {"/dev/random", MKDEV(1, 8), &random_fops},   {"/dev/urandom", MKDEV(1, 9), &random_fops},
    {"/dev/port", MKDEV(1, 4), &port_fops},       {"/dev/tty", MKDEV(5, 0), &tty_fops},
    {"/dev/ttyS0", MKDEV(4, 64), &tty_fops},
};

const struct file_operations* chrdev_fops(u32 dev) {
    for (unsigned int i = 0; i < ARRAY_SIZE(devices); i++) {
        if (devices[i].dev == dev) {
            return devices[i].fops;
        }
    }
    return NULL;
}

static const char* const links[][2] = {
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
};

static void make_links(void) {
    for (unsigned int i = 0; i < ARRAY_SIZE(links); i++) {
        struct filename* name = getname_kernel(links[i][0]);
        if (!IS_ERR(name)) {
            do_symlinkat(links[i][1], AT_FDCWD, name);
            putname(name);
        }
    }
}

void devtmpfs_init(void) {
    make_links();
    for (unsigned int i = 0; i < ARRAY_SIZE(devices); i++) {
        struct filename* name = getname_kernel(devices[i].path);
        if (!IS_ERR(name)) {
            do_mknodat(AT_FDCWD, name, S_IFCHR | 0666, devices[i].dev, devices[i].fops);
            putname(name);
        }
    }
}

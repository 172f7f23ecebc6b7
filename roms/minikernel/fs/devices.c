// SPDX-License-Identifier: GPL-2.0-only
#include "drivers/serial.h"
#include "fs/fs.h"
#include "lib/string.h"

static ssize_t read_null(struct file* file, char* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)buf;
    (void)count;
    (void)pos;
    return 0;
}

static ssize_t write_null(struct file* file, const char* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)buf;
    (void)pos;
    return (ssize_t)count;
}

static ssize_t read_zero(struct file* file, char* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)pos;
    memset(buf, 0, count);
    return (ssize_t)count;
}

static ssize_t write_console(struct file* file, const char* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)pos;
    console_write(buf, count);
    return (ssize_t)count;
}

const struct file_operations null_fops = {.read = read_null, .write = write_null};
const struct file_operations zero_fops = {.read = read_zero, .write = write_null};
const struct file_operations console_fops = {.read = read_null, .write = write_console};

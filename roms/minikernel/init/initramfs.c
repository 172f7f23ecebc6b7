// SPDX-License-Identifier: GPL-2.0-only
#include "init/initramfs.h"

#include "arch/bootparam.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

// newc cpio archives, one after the other, with zeros in between (Documentation/driver-api/
// early-userspace/buffer-format.rst). Every number is 8 hex digits.

#define HEADER_BYTES 110
enum { INO = 0, MODE, UID, GID, NLINK, MTIME, FILESIZE, RDEVMAJOR = 9, RDEVMINOR, NAMESIZE };

struct archive {
    const char* at;
    size_t left;
};

// False: not a number.
static bool parse_header(const char* header, u32* fields) {
    if (memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2')) {
        return false;
    }
    for (int i = 0; i < 13; i++) {
        fields[i] = 0;
        for (int digit = 0; digit < 8; digit++) {
            char c = header[6 + i * 8 + digit];
            int value = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
            if (value < 0) {
                return false;
            }
            fields[i] = fields[i] << 4 | (u32)value;
        }
    }
    return true;
}

// The next `n` bytes, and the padding behind them; NULL when the archive ends before.
static const char* take(struct archive* a, size_t n, size_t padded) {
    const char* from = a->at;
    if (n > a->left) {
        return NULL;
    }
    padded = min(padded, a->left);
    a->at += padded;
    a->left -= padded;
    return from;
}

static int write_file(const char* name, u32 mode, const char* data, size_t size) {
    struct file* file = filp_open(name, O_WRONLY | O_CREAT | O_TRUNC, (umode_t)(mode & 07777));
    if (IS_ERR(file)) {
        return (int)PTR_ERR(file);
    }
    file->f_inode->i_mode = (umode_t)(S_IFREG | (mode & 07777));
    int error = S_ISREG(file->f_inode->i_mode) ? ramfs_append(file->f_inode, data, size) : -EINVAL;
    fput(file);
    return error;
}

static int make_entry(const char* name, const u32* f, const char* data) {
    u32 type = f[MODE] & S_IFMT;
    if (type == S_IFREG) {
        return write_file(name, f[MODE], data, f[FILESIZE]);
    }
    struct filename* path = getname_kernel(name);
    if (IS_ERR(path)) {
        return -ENOMEM;
    }
    int error = 0;
    if (type == S_IFDIR) {
        error = do_mkdirat(AT_FDCWD, path, (umode_t)f[MODE]);
    } else if (type == S_IFLNK) {
        char* target = kmalloc((size_t)f[FILESIZE] + 1, GFP_KERNEL);
        error = -ENOMEM;
        if (target != NULL && f[FILESIZE] < PATH_MAX) {
            memcpy(target, data, f[FILESIZE]);
            target[f[FILESIZE]] = '\0';
            do_unlinkat(AT_FDCWD, path);
            error = do_symlinkat(target, AT_FDCWD, path);
        }
        kfree(target);
    } else {
        do_unlinkat(AT_FDCWD, path);
        error = do_mknodat(AT_FDCWD, path, (umode_t)f[MODE], MKDEV(f[RDEVMAJOR], f[RDEVMINOR]),
                           NULL);
    }
    putname(path);
    return error == -EEXIST && type == S_IFDIR ? 0 : error;
}

// One entry; false at the end of everything.
static bool unpack_entry(struct archive* a) {
    while (a->left > 0 && *a->at == '\0') {
        take(a, 1, 1);
    }
    u32 f[13];
    const char* header = take(a, HEADER_BYTES, HEADER_BYTES);
    if (header == NULL || !parse_header(header, f)) {
        if (header != NULL) {
            printk("initramfs: no cpio archive (compressed ones are not known here)\n");
        }
        return false;
    }
    const char* name = take(a, f[NAMESIZE],
                            ((HEADER_BYTES + f[NAMESIZE] + 3) & ~3UL) - HEADER_BYTES);
    const char* data = name == NULL ? NULL : take(a, f[FILESIZE], ((size_t)f[FILESIZE] + 3) & ~3UL);
    if (data == NULL || f[NAMESIZE] == 0 || f[NAMESIZE] > PATH_MAX ||
        name[f[NAMESIZE] - 1] != '\0') {
        printk("initramfs: the archive is cut off\n");
        return false;
    }
    if (strcmp(name, "TRAILER!!!") != 0 && strcmp(name, ".") != 0) {
        int error = make_entry(name, f, data);
        if (error != 0) {
            printk("initramfs: %s: error %d\n", name, error);
        }
    }
    return true;
}

void populate_rootfs(void) {
    struct archive archive = {__va(boot_params.ramdisk_image), boot_params.ramdisk_size};
    if (archive.left == 0) {
        return;
    }
    while (unpack_entry(&archive)) {
    }
    free_page_range(boot_params.ramdisk_image,
                    (phys_addr_t)boot_params.ramdisk_image + boot_params.ramdisk_size);
    boot_params.ramdisk_size = 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "mm/slab.h"

#define MAX_RW_COUNT (0x7fffffffUL & ~(PAGE_SIZE - 1))

ssize_t vfs_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    if (!(file->f_mode & FMODE_READ)) {
        return -EBADF;
    }
    if (!access_ok(buf, count)) {
        return -EFAULT;
    }
    if (file->f_op == NULL || file->f_op->read == NULL) {
        return S_ISDIR(file->f_inode->i_mode) ? -EISDIR : -EINVAL;
    }
    return file->f_op->read(file, buf, min(count, MAX_RW_COUNT), pos);
}

ssize_t vfs_write(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    if (!(file->f_mode & FMODE_WRITE)) {
        return -EBADF;
    }
    if (!access_ok(buf, count)) {
        return -EFAULT;
    }
    if (file->f_op == NULL || file->f_op->write == NULL) {
        return -EINVAL;
    }
    return file->f_op->write(file, buf, min(count, MAX_RW_COUNT), pos);
}

// Several tasks may share the file, and its position: one after the other, where it matters. A
// reader of a pipe or a terminal may wait for long, and must not keep a writer out.
static struct file* fget_pos(unsigned int fd) {
    struct file* file = fget(fd);
    if (file != NULL && S_ISREG(file->f_inode->i_mode)) {
        mutex_lock(&file->f_pos_lock);
    }
    return file;
}

static void fput_pos(struct file* file) {
    if (S_ISREG(file->f_inode->i_mode)) {
        mutex_unlock(&file->f_pos_lock);
    }
    fput(file);
}

ssize_t ksys_read(unsigned int fd, char __user* buf, size_t count) {
    struct file* file = fget_pos(fd);
    if (file == NULL) {
        return -EBADF;
    }
    loff_t pos = file->f_pos;
    ssize_t done = vfs_read(file, buf, count, &pos);
    if (done > 0) {
        file->f_pos = pos;
    }
    fput_pos(file);
    return done;
}

ssize_t ksys_write(unsigned int fd, const char __user* buf, size_t count) {
    struct file* file = fget_pos(fd);
    if (file == NULL) {
        return -EBADF;
    }
    loff_t pos = file->f_pos;
    ssize_t done = vfs_write(file, buf, count, &pos);
    if (done > 0) {
        file->f_pos = pos;
    }
    fput_pos(file);
    return done;
}

ssize_t kernel_read(struct file* file, void* buf, size_t count, loff_t pos) {
    // The file operations take a caller's buffer; for this call, the kernel is the caller.
    unsigned int kthread = current->flags & PF_KTHREAD;
    current->flags |= PF_KTHREAD;
    ssize_t done = vfs_read(file, buf, count, &pos);
    current->flags = (current->flags & ~(unsigned int)PF_KTHREAD) | kthread;
    return done;
}

SYSCALL_DEFINE3(read, unsigned int, fd, char __user*, buf, size_t, count) {
    return ksys_read(fd, buf, count);
}

SYSCALL_DEFINE3(write, unsigned int, fd, const char __user*, buf, size_t, count) {
    return ksys_write(fd, buf, count);
}

SYSCALL_DEFINE4(pread64, unsigned int, fd, char __user*, buf, size_t, count, loff_t, pos) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    ssize_t done = pos < 0 ? -EINVAL : vfs_read(file, buf, count, &pos);
    fput(file);
    return done;
}

SYSCALL_DEFINE4(pwrite64, unsigned int, fd, const char __user*, buf, size_t, count, loff_t, pos) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    ssize_t done = pos < 0 ? -EINVAL : vfs_write(file, buf, count, &pos);
    fput(file);
    return done;
}

struct iovec {
    void __user* iov_base;
    size_t iov_len;
};

#define UIO_MAXIOV 1024

static ssize_t do_iov(unsigned int fd, const struct iovec __user* vec, unsigned long vlen,
                      ssize_t (*each)(unsigned int fd, void* buf, size_t count)) {
    ssize_t total = 0;
    if (vlen > UIO_MAXIOV) {
        return -EINVAL;
    }
    for (unsigned long i = 0; i < vlen; i++) {
        struct iovec iov;
        if (get_user(iov, &vec[i]) != 0) {
            return total > 0 ? total : -EFAULT;
        }
        if (iov.iov_len == 0) {
            continue;
        }
        ssize_t done = each(fd, iov.iov_base, iov.iov_len);
        if (done < 0) {
            return total > 0 ? total : done;
        }
        total += done;
        if ((size_t)done < iov.iov_len) {
            break;
        }
    }
    return total;
}

static ssize_t read_one(unsigned int fd, void* buf, size_t count) {
    return ksys_read(fd, buf, count);
}

static ssize_t write_one(unsigned int fd, void* buf, size_t count) {
    return ksys_write(fd, buf, count);
}

SYSCALL_DEFINE3(readv, unsigned int, fd, const struct iovec __user*, vec, unsigned long, vlen) {
    return do_iov(fd, vec, vlen, read_one);
}

SYSCALL_DEFINE3(writev, unsigned int, fd, const struct iovec __user*, vec, unsigned long, vlen) {
    return do_iov(fd, vec, vlen, write_one);
}

static loff_t vfs_llseek(struct file* file, loff_t offset, unsigned int whence) {
    umode_t type = file->f_inode->i_mode & S_IFMT;
    if (type == S_IFIFO || type == S_IFSOCK || file->f_op == &tty_fops ||
        file->f_op == &console_fops) {
        return -ESPIPE;
    }
    switch (whence) {
        case 0: break;
        case 1: offset += file->f_pos; break;
        case 2: offset += file->f_inode->i_size; break;
        default: return -EINVAL;
    }
    if (offset < 0) {
        return -EINVAL;
    }
    return file->f_pos = offset;
}

SYSCALL_DEFINE3(lseek, unsigned int, fd, loff_t, offset, unsigned int, whence) {
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    loff_t result = vfs_llseek(file, offset, whence);
    fput(file);
    return result;
}

SYSCALL_DEFINE4(sendfile, unsigned int, out_fd, unsigned int, in_fd, loff_t __user*, offset, size_t,
                count) {
    struct file* in = offset == NULL ? fget(in_fd) : NULL;
    struct file* out = fget(out_fd);
    char* page = (char*)__get_free_pages(GFP_KERNEL, 0);
    ssize_t total = in == NULL    ? (offset != NULL ? -EINVAL : -EBADF)
                    : out == NULL ? -EBADF
                                  : (page == NULL ? -ENOMEM : 0);
    unsigned int kthread = current->flags & PF_KTHREAD;
    while (total >= 0 && (size_t)total < count && !signal_pending(current)) {
        current->flags |= PF_KTHREAD;  // the page between the two is the kernel's
        loff_t pos = in->f_pos;
        ssize_t got = vfs_read(in, page, min(count - (size_t)total, PAGE_SIZE), &pos);
        loff_t out_pos = out->f_pos;
        ssize_t put = got > 0 ? vfs_write(out, page, (size_t)got, &out_pos) : got;
        current->flags = (current->flags & ~(unsigned int)PF_KTHREAD) | kthread;
        if (put <= 0) {
            total = total > 0 ? total : put;
            break;
        }
        in->f_pos += put;
        out->f_pos = out_pos;
        total += put;
    }
    free_pages((unsigned long)page, 0);
    if (in != NULL) {
        fput(in);
    }
    if (out != NULL) {
        fput(out);
    }
    return total;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

// Files that live in memory: an array of pages, which grows by doubling. A page that was never
// written is a hole.

struct ramfs_data {
    unsigned long capacity;  // entries of pages[]
    char** pages;
};

static struct ramfs_data* data_of(const struct inode* inode) { return inode->i_private; }

static int grow(struct ramfs_data* data, unsigned long index) {
    unsigned long capacity = max(data->capacity, 8UL);
    while (capacity <= index) {
        capacity *= 2;
    }
    if (capacity == data->capacity) {
        return 0;
    }
    char** pages = kmalloc(capacity * sizeof(*pages), GFP_KERNEL | __GFP_ZERO);
    if (pages == NULL) {
        return -EFBIG;
    }
    memset(pages, 0, capacity * sizeof(*pages));
    memcpy(pages, data->pages, data->capacity * sizeof(*pages));
    kfree(data->pages);
    data->pages = pages;
    data->capacity = capacity;
    return 0;
}

static char* page_for_write(struct ramfs_data* data, unsigned long index) {
    if (grow(data, index) != 0) {
        return NULL;
    }
    if (data->pages[index] == NULL) {
        data->pages[index] = (char*)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 0);
    }
    return data->pages[index];
}

static ssize_t ramfs_read(struct file* file, char* buf, size_t count, loff_t* pos) {
    struct inode* inode = file->f_inode;
    const struct ramfs_data* data = data_of(inode);
    inode_lock(inode);
    u64 left = *pos < inode->i_size ? (u64)(inode->i_size - *pos) : 0;
    count = min(count, left);
    for (size_t done = 0; done < count;) {
        unsigned long index = (unsigned long)*pos / PAGE_SIZE;
        size_t offset = (size_t)*pos % PAGE_SIZE;
        size_t n = min(count - done, PAGE_SIZE - offset);
        const char* page = index < data->capacity ? data->pages[index] : NULL;
        if (page != NULL) {
            memcpy(buf + done, page + offset, n);
        } else {
            memset(buf + done, 0, n);
        }
        done += n;
        *pos += (loff_t)n;
    }
    inode_unlock(inode);
    return (ssize_t)count;
}

static ssize_t ramfs_write(struct file* file, const char* buf, size_t count, loff_t* pos) {
    struct inode* inode = file->f_inode;
    struct ramfs_data* data = data_of(inode);
    inode_lock(inode);
    if (file->f_flags & O_APPEND) {
        *pos = inode->i_size;
    }
    size_t done = 0;
    while (done < count) {
        size_t offset = (size_t)*pos % PAGE_SIZE;
        size_t n = min(count - done, PAGE_SIZE - offset);
        char* page = page_for_write(data, (unsigned long)*pos / PAGE_SIZE);
        if (page == NULL) {
            break;
        }
        memcpy(page + offset, buf + done, n);
        done += n;
        *pos += (loff_t)n;
        inode->i_size = max(inode->i_size, *pos);
    }
    inode_unlock(inode);
    return done == 0 && count > 0 ? -ENOMEM : (ssize_t)done;
}

static void ramfs_truncate(struct inode* inode) {
    struct ramfs_data* data = data_of(inode);
    for (unsigned long i = 0; i < data->capacity; i++) {
        free_pages((unsigned long)data->pages[i], 0);
    }
    kfree(data->pages);
    *data = (struct ramfs_data){0};
    inode->i_size = 0;
}

static void ramfs_evict(struct inode* inode) {
    ramfs_truncate(inode);
    kfree(inode->i_private);
}

static int ramfs_create(struct inode* dir, struct dentry* dentry, umode_t mode) {
    (void)dir;
    struct inode* inode = new_inode(mode);
    if (inode == NULL) {
        return -ENOMEM;
    }
    if (S_ISDIR(mode)) {
        inode->i_op = &ramfs_dir_inode_operations;
    } else if (S_ISREG(mode)) {
        inode->i_private = kmalloc(sizeof(struct ramfs_data), GFP_KERNEL | __GFP_ZERO);
        if (inode->i_private == NULL) {
            iput(inode);
            return -ENOMEM;
        }
        inode->i_op = &ramfs_file_inode_operations;
        inode->i_fop = &ramfs_file_operations;
    }
    d_instantiate(dentry, inode);
    return 0;
}

static int ramfs_unlink(struct inode* dir, struct dentry* dentry) {
    (void)dir;
    dentry->d_inode->i_nlink--;
    d_drop(dentry);
    return 0;
}

const struct inode_operations ramfs_dir_inode_operations = {
    .create = ramfs_create,
    .unlink = ramfs_unlink,
};

const struct inode_operations ramfs_file_inode_operations = {
    .truncate = ramfs_truncate,
    .evict = ramfs_evict,
};

const struct file_operations ramfs_file_operations = {
    .read = ramfs_read,
    .write = ramfs_write,
};

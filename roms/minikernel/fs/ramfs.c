// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

// Files that live in memory: an array of pages, which grows by doubling. A page that was never
// written is a hole. Address spaces may hold pages, too, so each has a count.

struct ramfs_data {
    spinlock_t lock;         // a page fault takes it, whoever holds the inode's
    unsigned long capacity;  // entries of pages[]
    struct page** pages;
};

#define MAX_FILE_PAGES (1UL << 19)  // entries of the largest array that kmalloc has

static struct ramfs_data* data_of(const struct inode* inode) { return inode->i_private; }

// Room for page `index`, with the lock held.
static int grow(struct ramfs_data* data, unsigned long index) {
    unsigned long capacity = max(data->capacity, 8UL);
    while (capacity <= index) {
        capacity *= 2;
    }
    if (capacity == data->capacity) {
        return 0;
    }
    struct page** pages = kmalloc(capacity * sizeof(*pages), GFP_FILE);
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

// Page `index`, held; NULL for a hole.
static struct page* find_get_page(struct ramfs_data* data, unsigned long index) {
    spin_lock(&data->lock);
    struct page* page = index < data->capacity ? data->pages[index] : NULL;
    if (page != NULL) {
        get_page(page);
    }
    spin_unlock(&data->lock);
    return page;
}

static struct page* page_for_write(struct ramfs_data* data, unsigned long index) {
    spin_lock(&data->lock);
    struct page* page = NULL;
    if (grow(data, index) == 0) {
        if (data->pages[index] == NULL) {
            data->pages[index] = alloc_pages(GFP_FILE | __GFP_ZERO, 0);
        }
        page = data->pages[index];
        if (page != NULL) {
            get_page(page);
        }
    }
    spin_unlock(&data->lock);
    return page;
}

static struct page* ramfs_get_page(struct inode* inode, unsigned long index) {
    if (index >= ((u64)inode->i_size + PAGE_SIZE - 1) / PAGE_SIZE) {
        return ERR_PTR(-EFAULT);
    }
    if (index >= MAX_FILE_PAGES) {
        return ERR_PTR(-EFBIG);
    }
    struct page* page = page_for_write(data_of(inode), index);
    return page != NULL ? page : ERR_PTR(-ENOMEM);
}

static size_t read_page(struct ramfs_data* data, loff_t pos, char __user* buf, size_t n) {
    struct page* page = find_get_page(data, (unsigned long)pos / PAGE_SIZE);
    if (page == NULL) {
        return clear_user(buf, n);
    }
    size_t left = copy_to_user(buf, (char*)page_address(page) + (size_t)pos % PAGE_SIZE, n);
    put_page(page);
    return left;
}

static ssize_t ramfs_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    struct inode* inode = file->f_inode;
    inode_lock(inode);
    u64 left = *pos < inode->i_size ? (u64)(inode->i_size - *pos) : 0;
    count = min(count, left);
    size_t done = 0;
    while (done < count) {
        size_t n = min(count - done, PAGE_SIZE - (size_t)*pos % PAGE_SIZE);
        if (read_page(data_of(inode), *pos, buf + done, n) != 0) {
            break;
        }
        done += n;
        *pos += (loff_t)n;
    }
    inode_unlock(inode);
    return done == 0 && count > 0 ? -EFAULT : (ssize_t)done;
}

static int write_page(struct ramfs_data* data, loff_t pos, const char __user* buf, size_t n) {
    struct page* page = page_for_write(data, (unsigned long)pos / PAGE_SIZE);
    if (page == NULL) {
        return -ENOSPC;
    }
    size_t left = copy_from_user((char*)page_address(page) + (size_t)pos % PAGE_SIZE, buf, n);
    put_page(page);
    return left != 0 ? -EFAULT : 0;
}

static ssize_t ramfs_write(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    struct inode* inode = file->f_inode;
    inode_lock(inode);
    if (file->f_flags & O_APPEND) {
        *pos = inode->i_size;
    }
    size_t done = 0;
    int error = 0;
    while (done < count) {
        size_t n = min(count - done, PAGE_SIZE - (size_t)*pos % PAGE_SIZE);
        error = *pos > MAX_FILE_BYTES ? -EFBIG : write_page(data_of(inode), *pos, buf + done, n);
        if (error != 0) {
            break;
        }
        done += n;
        *pos += (loff_t)n;
        inode->i_size = max(inode->i_size, *pos);
    }
    inode->i_mtime = inode->i_ctime = current_time();
    inode_unlock(inode);
    return done == 0 && error != 0 ? error : (ssize_t)done;
}

int ramfs_append(struct inode* inode, const void* from, size_t count) {
    while (count > 0) {
        size_t offset = (size_t)inode->i_size % PAGE_SIZE;
        size_t n = min(count, PAGE_SIZE - offset);
        struct page* page = page_for_write(data_of(inode),
                                           (unsigned long)inode->i_size / PAGE_SIZE);
        if (page == NULL) {
            return -ENOMEM;
        }
        memcpy((char*)page_address(page) + offset, from, n);
        put_page(page);
        from = (const char*)from + n;
        count -= n;
        inode->i_size += (loff_t)n;
    }
    return 0;
}

static void clear_behind(struct ramfs_data* data, loff_t length) {
    struct page* page = find_get_page(data, (unsigned long)length / PAGE_SIZE);
    if (page != NULL) {
        size_t offset = (size_t)length % PAGE_SIZE;
        memset((char*)page_address(page) + offset, 0, PAGE_SIZE - offset);
        put_page(page);
    }
}

static void ramfs_truncate(struct inode* inode, loff_t length) {
    struct ramfs_data* data = data_of(inode);
    clear_behind(data, length);
    spin_lock(&data->lock);
    for (unsigned long i = ((u64)length + PAGE_SIZE - 1) / PAGE_SIZE; i < data->capacity; i++) {
        if (data->pages[i] != NULL) {
            put_page(data->pages[i]);
            data->pages[i] = NULL;
        }
    }
    if (length == 0) {
        kfree(data->pages);
        data->pages = NULL;
        data->capacity = 0;
    }
    spin_unlock(&data->lock);
    inode->i_size = length;
    inode->i_mtime = inode->i_ctime = current_time();
}

static void ramfs_evict(struct inode* inode) {
    ramfs_truncate(inode, 0);
    kfree(inode->i_private);
}

static void ramfs_evict_link(struct inode* inode) { kfree(inode->i_private); }

static int ramfs_readlink(struct inode* inode, char* buf, int size) {
    int length = min((int)inode->i_size, size);
    memcpy(buf, inode->i_private, (size_t)length);
    return length;
}

static const struct inode_operations ramfs_link_inode_operations = {
    .readlink = ramfs_readlink,
    .evict = ramfs_evict_link,
};

static int make_regular(struct inode* inode) {
    inode->i_private = kmalloc(sizeof(struct ramfs_data), GFP_KERNEL | __GFP_ZERO);
    if (inode->i_private == NULL) {
        return -ENOMEM;
    }
    inode->i_op = &ramfs_file_inode_operations;
    inode->i_fop = &ramfs_file_operations;
    return 0;
}

static void touch(struct inode* dir) { dir->i_mtime = dir->i_ctime = current_time(); }

static int ramfs_create(struct inode* dir, struct dentry* dentry, umode_t mode) {
    struct inode* inode = new_inode(mode);
    if (inode == NULL) {
        return -ENOMEM;
    }
    if (S_ISDIR(mode)) {
        inode->i_op = &ramfs_dir_inode_operations;
        inode->i_fop = &simple_dir_operations;
        dir->i_nlink++;
    } else if (S_ISREG(mode) && make_regular(inode) != 0) {
        iput(inode);
        return -ENOMEM;
    } else if ((mode & S_IFMT) == S_IFIFO) {
        inode->i_fop = &pipefifo_fops;
    }
    touch(dir);
    d_instantiate(dentry, inode);
    return 0;
}

static int ramfs_symlink(struct inode* dir, struct dentry* dentry, const char* target) {
    struct inode* inode = new_inode(S_IFLNK | 0777);
    if (inode == NULL) {
        return -ENOMEM;
    }
    inode->i_size = (loff_t)strlen(target);
    inode->i_private = kmalloc((size_t)inode->i_size + 1, GFP_KERNEL);
    inode->i_op = &ramfs_link_inode_operations;
    if (inode->i_private == NULL) {
        iput(inode);
        return -ENOMEM;
    }
    memcpy(inode->i_private, target, (size_t)inode->i_size + 1);
    touch(dir);
    d_instantiate(dentry, inode);
    return 0;
}

static int ramfs_unlink(struct inode* dir, struct dentry* dentry) {
    struct inode* inode = dentry->d_inode;
    if (S_ISDIR(inode->i_mode)) {
        dir->i_nlink--;
        inode->i_nlink--;
    }
    inode->i_nlink--;
    inode->i_ctime = current_time();
    touch(dir);
    d_drop(dentry);
    return 0;
}

struct file* shmem_file_setup(loff_t size) {
    struct inode* inode = new_inode(S_IFREG | 0600);
    if (inode == NULL || make_regular(inode) != 0) {
        kfree(inode);
        return ERR_PTR(-ENOMEM);
    }
    inode->i_size = size;
    struct dentry* dentry = d_alloc(NULL, "/dev/zero (deleted)", 19);
    struct file* file = alloc_empty_file();
    if (IS_ERR(dentry) || file == NULL) {
        iput(inode);
        if (!IS_ERR(dentry)) {
            dput(dentry);
        }
        kfree(file);
        return ERR_PTR(-ENOMEM);
    }
    dentry->d_inode = inode;
    const struct path path = {dentry};
    file->f_flags = O_RDWR;
    vfs_open(&path, file);
    dput(dentry);
    return file;
}

const struct inode_operations ramfs_dir_inode_operations = {
    .create = ramfs_create,
    .unlink = ramfs_unlink,
    .symlink = ramfs_symlink,
};

const struct inode_operations ramfs_file_inode_operations = {
    .truncate = ramfs_truncate,
    .get_page = ramfs_get_page,
    .evict = ramfs_evict,
};

const struct file_operations ramfs_file_operations = {
    .read = ramfs_read,
    .write = ramfs_write,
};

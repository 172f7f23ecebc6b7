// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"
#include "fs/proc/proc.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/slab.h"

// procfs: names are made when somebody looks them up, and forgotten with the last user. i_private
// is the entry, i_rdev (of no use here) the process id.

static const struct inode_operations proc_root_inode_operations, proc_pid_inode_operations,
    proc_link_inode_operations;
static const struct file_operations proc_root_operations, proc_pid_operations, proc_file_operations;

struct inode* proc_inode(umode_t mode, const void* data, pid_t pid) {
    struct inode* inode = new_inode(mode);
    if (inode != NULL) {
        inode->i_private = (void*)data;
        inode->i_rdev = (u32)pid;
    }
    return inode;
}

struct dentry* proc_dentry(struct dentry* dir, const char* name, u32 len, struct inode* inode) {
    struct dentry* dentry = inode == NULL ? ERR_PTR(-ENOMEM) : d_alloc(dir, name, len);
    if (IS_ERR(dentry)) {
        if (inode != NULL) {
            iput(inode);
        }
        return dentry;
    }
    dentry->d_inode = inode;
    return dentry;
}

static umode_t mode_of(const struct proc_dir_entry* e) {
    return e->show != NULL ? S_IFREG | 0444 : e->readlink != NULL ? S_IFLNK | 0777 : S_IFDIR | 0555;
}

static struct dentry* lookup_entry(struct dentry* dir, const char* name, u32 len,
                                   const struct proc_dir_entry* entries, pid_t pid) {
    for (const struct proc_dir_entry* e = entries; e->name != NULL; e++) {
        if (strlen(e->name) != len || memcmp(e->name, name, len) != 0) {
            continue;
        }
        struct inode* inode = proc_inode(mode_of(e), e, pid);
        if (inode != NULL) {
            inode->i_op = e->readlink != NULL ? &proc_link_inode_operations : e->i_op;
            inode->i_fop = e->show != NULL ? &proc_file_operations : e->i_fop;
        }
        return proc_dentry(dir, name, len, inode);
    }
    return ERR_PTR(-ENOENT);
}

static bool process_exists(pid_t pid) {
    spin_lock_irq(&tasklist_lock);
    bool exists = find_task_by_pid(pid) != NULL;
    spin_unlock_irq(&tasklist_lock);
    return exists;
}

static struct dentry* proc_root_lookup(struct dentry* dir, const char* name, u32 len) {
    pid_t pid = 0;
    for (u32 i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || len > 9) {
            return lookup_entry(dir, name, len, proc_root_entries, 0);
        }
        pid = pid * 10 + (name[i] - '0');
    }
    if (!process_exists(pid)) {
        return ERR_PTR(-ENOENT);
    }
    struct inode* inode = proc_inode(S_IFDIR | 0555, NULL, pid);
    if (inode != NULL) {
        inode->i_op = &proc_pid_inode_operations;
        inode->i_fop = &proc_pid_operations;
    }
    return proc_dentry(dir, name, len, inode);
}

static struct dentry* proc_pid_lookup(struct dentry* dir, const char* name, u32 len) {
    return lookup_entry(dir, name, len, proc_pid_entries, (pid_t)dir->d_inode->i_rdev);
}

struct task_struct* get_proc_task(const struct inode* inode) {
    spin_lock_irq(&tasklist_lock);
    struct task_struct* p = find_task_by_pid((pid_t)inode->i_rdev);
    if (p != NULL) {
        get_task_struct(p);
    }
    spin_unlock_irq(&tasklist_lock);
    return p;
}

static int proc_readlink(struct inode* inode, char* buf, int size) {
    const struct proc_dir_entry* entry = inode->i_private;
    if (inode->i_rdev == 0) {
        return entry->readlink(NULL, buf, size);
    }
    struct task_struct* p = get_proc_task(inode);
    if (p == NULL) {
        return -ENOENT;
    }
    int length = entry->readlink(p, buf, size);
    put_task_struct(p);
    return length;
}

// Positions: the entries, then PIDs.
#define FIRST_PID_POS 1000

static int iterate_entries(struct dir_context* ctx, const struct proc_dir_entry* entries) {
    loff_t count = 0;
    while (entries[count].name != NULL) {
        count++;
    }
    while (ctx->pos < count) {
        const struct proc_dir_entry* e = &entries[ctx->pos++];
        if (!ctx->actor(ctx, e->name, (u32)strlen(e->name), 1000 + (u64)ctx->pos,
                        mode_of(e) & S_IFMT)) {
            ctx->pos--;
            return 1;
        }
    }
    return 0;
}

static pid_t next_pid(pid_t after) {
    struct task_struct* p;
    pid_t found = 0;
    spin_lock_irq(&tasklist_lock);
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (thread_group_leader(p) && p->pid > after && (found == 0 || p->pid < found)) {
            found = p->pid;
        }
    }
    spin_unlock_irq(&tasklist_lock);
    return found;
}

static int proc_root_iterate(struct file* file, struct dir_context* ctx) {
    if (iterate_entries(ctx, proc_root_entries) == 0) {
        pid_t pid = ctx->pos < FIRST_PID_POS ? 0 : (pid_t)(ctx->pos - FIRST_PID_POS);
        while ((pid = next_pid(pid)) != 0) {
            char name[12];
            u32 length = (u32)snprintf(name, sizeof(name), "%d", pid);
            loff_t before = ctx->pos;
            ctx->pos = FIRST_PID_POS + pid;
            if (!ctx->actor(ctx, name, length, 100000 + (u64)pid, S_IFDIR)) {
                ctx->pos = before;
                break;
            }
        }
    }
    file->f_pos = ctx->pos;
    return 0;
}

static int proc_pid_iterate(struct file* file, struct dir_context* ctx) {
    iterate_entries(ctx, proc_pid_entries);
    file->f_pos = ctx->pos;
    return 0;
}

static int proc_open(struct inode* inode, struct file* file) {
    const struct proc_dir_entry* entry = inode->i_private;
    struct seq_file* m = seq_file_alloc();
    if (m == NULL) {
        return -ENOMEM;
    }
    struct task_struct* p = inode->i_rdev == 0 ? NULL : get_proc_task(inode);
    if (inode->i_rdev == 0 || p != NULL) {
        entry->show(m, p);
    }
    if (p != NULL) {
        put_task_struct(p);
    }
    file->private_data = m;
    return 0;
}

static const struct inode_operations proc_root_inode_operations = {.lookup = proc_root_lookup};
static const struct inode_operations proc_pid_inode_operations = {.lookup = proc_pid_lookup};
static const struct inode_operations proc_link_inode_operations = {.readlink = proc_readlink};
static const struct file_operations proc_root_operations = {.iterate_shared = proc_root_iterate};
static const struct file_operations proc_pid_operations = {.iterate_shared = proc_pid_iterate};
static const struct file_operations proc_file_operations = {
    .read = seq_read,
    .open = proc_open,
    .release = seq_release,
};

struct dentry* proc_get_tree(void) {
    struct inode* inode = proc_inode(S_IFDIR | 0555, NULL, 0);
    if (inode != NULL) {
        inode->i_op = &proc_root_inode_operations;
        inode->i_fop = &proc_root_operations;
    }
    return proc_dentry(NULL, "/", 1, inode);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "fs/fs.h"
#include "fs/proc/proc.h"
#include "kernel/trace/format.h"
#include "kernel/trace/tracepoint.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/vsprintf.h"

// tracefs, as far as it says what can be traced: available_events, events/SYSTEM/EVENT/id and
// format. Names are made when somebody looks them up, as in procfs; i_rdev (of no use here) is the
// event's id. The tracer itself is outside of this machine.

static const struct inode_operations root_inode_operations, events_inode_operations,
    system_inode_operations, event_inode_operations;
static const struct file_operations root_operations, events_operations, system_operations,
    event_operations, file_operations;

struct trace_file {
    const char* name;
    void (*show)(struct seq_file* m, u32 id);
};

static void show_available(struct seq_file* m, u32 unused) {
    (void)unused;
    char name[64];
    for (u32 id = trace_event_next(0); id != 0; id = trace_event_next(id)) {
        trace_event_name(id, name, sizeof(name));
        seq_printf(m, "%s:%s\n", trace_event_system(id), name);
    }
}

static void show_id(struct seq_file* m, u32 id) { seq_printf(m, "%u\n", id); }

static const struct trace_file available_events = {"available_events", show_available};
static const struct trace_file event_files[] = {{"format", trace_event_show_format},
                                                {"id", show_id}};

static struct dentry* new_entry(struct dentry* dir, const char* name, u32 len, u32 id,
                                const struct inode_operations* i_op,
                                const struct file_operations* i_fop,
                                const struct trace_file* file) {
    struct inode* inode = new_inode(file != NULL ? S_IFREG | 0444 : S_IFDIR | 0555);
    if (inode == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    inode->i_rdev = id;
    inode->i_op = i_op;
    inode->i_fop = i_fop;
    inode->i_private = (void*)file;
    struct dentry* dentry = d_alloc(dir, name, len);
    if (IS_ERR(dentry)) {
        iput(inode);
    } else {
        dentry->d_inode = inode;
    }
    return dentry;
}

static bool is(const char* wanted, const char* name, u32 len) {
    return strlen(wanted) == len && memcmp(wanted, name, len) == 0;
}

static struct dentry* lookup_root(struct dentry* dir, const char* name, u32 len) {
    if (is("events", name, len)) {
        return new_entry(dir, name, len, 0, &events_inode_operations, &events_operations, NULL);
    }
    return is(available_events.name, name, len)
               ? new_entry(dir, name, len, 0, NULL, &file_operations, &available_events)
               : ERR_PTR(-ENOENT);
}

static struct dentry* lookup_system(struct dentry* dir, const char* name, u32 len) {
    for (u32 id = trace_event_next(0); id != 0; id = trace_event_next(id)) {
        if (is(trace_event_system(id), name, len)) {
            return new_entry(dir, name, len, 0, &system_inode_operations, &system_operations, NULL);
        }
    }
    return ERR_PTR(-ENOENT);
}

static bool in_system(u32 id, const struct dentry* dir) {
    return is(trace_event_system(id), dir->d_name.name, dir->d_name.len);
}

static struct dentry* lookup_event(struct dentry* dir, const char* name, u32 len) {
    u32 id = trace_event_find(name, len);
    return id != 0 && in_system(id, dir)
               ? new_entry(dir, name, len, id, &event_inode_operations, &event_operations, NULL)
               : ERR_PTR(-ENOENT);
}

static struct dentry* lookup_file(struct dentry* dir, const char* name, u32 len) {
    for (unsigned int i = 0; i < ARRAY_SIZE(event_files); i++) {
        if (is(event_files[i].name, name, len)) {
            return new_entry(dir, name, len, dir->d_inode->i_rdev, NULL, &file_operations,
                             &event_files[i]);
        }
    }
    return ERR_PTR(-ENOENT);
}

// Tells of one entry; its position is `at`. False: there is no room.
static bool emit(struct file* file, struct dir_context* ctx, loff_t at, const char* name,
                 umode_t type) {
    if (at < file->f_pos) {
        return true;
    }
    ctx->pos = at + 1;
    if (!ctx->actor(ctx, name, (u32)strlen(name), 1000 + (u64)at, type)) {
        return false;
    }
    file->f_pos = ctx->pos;
    return true;
}

static int iterate_root(struct file* file, struct dir_context* ctx) {
    if (emit(file, ctx, 0, available_events.name, S_IFREG)) {
        emit(file, ctx, 1, "events", S_IFDIR);
    }
    return 0;
}

static bool is_first_of_system(u32 id) {
    if (id >= SYSCALL_EVENT_ID) {
        return id == trace_event_next(SYSCALL_EVENT_ID - 1);
    }
    for (u32 other = trace_event_next(0); other != id; other = trace_event_next(other)) {
        if (strcmp(trace_event_system(other), trace_event_system(id)) == 0) {
            return false;
        }
    }
    return true;
}

static int iterate_events(struct file* file, struct dir_context* ctx) {
    for (u32 id = trace_event_next(0); id != 0; id = trace_event_next(id)) {
        if (is_first_of_system(id) && !emit(file, ctx, id, trace_event_system(id), S_IFDIR)) {
            break;
        }
    }
    return 0;
}

static int iterate_system(struct file* file, struct dir_context* ctx) {
    char name[64];
    for (u32 id = trace_event_next(0); id != 0; id = trace_event_next(id)) {
        if (!in_system(id, file->f_path.dentry)) {
            continue;
        }
        trace_event_name(id, name, sizeof(name));
        if (!emit(file, ctx, id, name, S_IFDIR)) {
            break;
        }
    }
    return 0;
}

static int iterate_event(struct file* file, struct dir_context* ctx) {
    for (unsigned int i = 0; i < ARRAY_SIZE(event_files); i++) {
        if (!emit(file, ctx, i, event_files[i].name, S_IFREG)) {
            break;
        }
    }
    return 0;
}

static int trace_file_open(struct inode* inode, struct file* file) {
    const struct trace_file* what = inode->i_private;
    struct seq_file* m = seq_file_alloc();
    if (m == NULL) {
        return -ENOMEM;
    }
    what->show(m, inode->i_rdev);
    file->private_data = m;
    return 0;
}

static const struct inode_operations root_inode_operations = {.lookup = lookup_root};
static const struct inode_operations events_inode_operations = {.lookup = lookup_system};
static const struct inode_operations system_inode_operations = {.lookup = lookup_event};
static const struct inode_operations event_inode_operations = {.lookup = lookup_file};
static const struct file_operations root_operations = {.iterate_shared = iterate_root};
static const struct file_operations events_operations = {.iterate_shared = iterate_events};
static const struct file_operations system_operations = {.iterate_shared = iterate_system};
static const struct file_operations event_operations = {.iterate_shared = iterate_event};
static const struct file_operations file_operations = {
    .read = seq_read,
    .open = trace_file_open,
    .release = seq_release,
};

struct dentry* tracefs_get_tree(void) {
    return new_entry(NULL, "/", 1, 0, &root_inode_operations, &root_operations, NULL);
}

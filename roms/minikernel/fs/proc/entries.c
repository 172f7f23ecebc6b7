// SPDX-License-Identifier: GPL-2.0-only
#include "fs/mount.h"
#include "fs/proc/proc.h"
#include "kernel/kallsyms.h"
#include "kernel/module.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/mm_types.h"

// What each file about a process says, in Linux's formats (Documentation/filesystems/proc.rst).

#define USER_HZ_NS 10000000ULL

static char state_of(const struct task_struct* p) {
    return p->exit_state == EXIT_ZOMBIE        ? 'Z'
           : p->__state & __TASK_STOPPED       ? 'T'
           : p->__state & TASK_INTERRUPTIBLE   ? 'S'
           : p->__state & TASK_UNINTERRUPTIBLE ? 'D'
                                               : 'R';
}

static const char* name_of_state(char state) {
    return state == 'R'   ? "running"
           : state == 'S' ? "sleeping"
           : state == 'D' ? "disk sleep"
           : state == 'T' ? "stopped"
                          : "zombie";
}

static void show_stat(struct seq_file* m, struct task_struct* p) {
    const struct signal_struct* s = p->signal;
    struct mm_struct* mm = get_task_mm(p);
    seq_printf(m,
               "%d (%s) %c %d %d %d %d %d %u 0 0 0 0 %llu %llu %llu %llu 20 0 %d 0 %llu %lu %ld "
               "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
               p->pid, p->comm, state_of(p), task_ppid(p), s->pgrp, s->session,
               s->tty != NULL ? 4 << 8 | 64 : 0, -1, p->flags, (p->utime + s->utime) / USER_HZ_NS,
               (p->stime + s->stime) / USER_HZ_NS, s->cutime / USER_HZ_NS, s->cstime / USER_HZ_NS,
               s->nr_threads, p->start_time / USER_HZ_NS, mm != NULL ? mm->total_vm * PAGE_SIZE : 0,
               mm != NULL ? mm->rss : 0, p->thread_info.cpu);
    mmput(mm);
}

static void show_status(struct seq_file* m, struct task_struct* p) {
    seq_printf(m,
               "Name:\t%s\nState:\t%c (%s)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t0\t0\t0\t0\n"
               "Gid:\t0\t0\t0\t0\n",
               p->comm, state_of(p), name_of_state(state_of(p)), p->tgid, p->pid, task_ppid(p));
    struct mm_struct* mm = get_task_mm(p);
    if (mm != NULL) {
        seq_printf(m, "VmSize:\t%8lu kB\nVmRSS:\t%8ld kB\n", mm->total_vm * 4, mm->rss * 4);
        mmput(mm);
    }
    seq_printf(m, "Threads:\t%d\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
               p->signal->nr_threads, p->pending.signal, p->signal->shared_pending.signal,
               p->blocked);
}

// Another process's memory, as far as its pages are there.
static void show_memory(struct seq_file* m, struct mm_struct* mm, unsigned long from,
                        unsigned long to) {
    to = min(to, from + 4096);
    while (from < to) {
        mutex_lock(&mm->mmap_lock);
        struct page* page = follow_page(mm, from);
        mutex_unlock(&mm->mmap_lock);
        if (page == NULL) {
            return;
        }
        size_t offset = from % PAGE_SIZE;
        size_t n = min(PAGE_SIZE - offset, to - from);
        seq_write(m, (const char*)page_address(page) + offset, n);
        put_page(page);
        from += n;
    }
}

static void show_cmdline(struct seq_file* m, struct task_struct* p) {
    struct mm_struct* mm = get_task_mm(p);
    if (mm != NULL) {
        show_memory(m, mm, mm->arg_start, mm->arg_end);
        mmput(mm);
    }
}

static void show_comm(struct seq_file* m, struct task_struct* p) { seq_printf(m, "%s\n", p->comm); }

static void show_map_vma(struct seq_file* m, const struct vm_area_struct* vma) {
    unsigned long f = vma->vm_flags;
    seq_printf(m, "%08lx-%08lx %c%c%c%c %08lx 00:01 %lu", vma->vm_start, vma->vm_end,
               f & VM_READ ? 'r' : '-', f & VM_WRITE ? 'w' : '-', f & VM_EXEC ? 'x' : '-',
               f & VM_SHARED ? 's' : 'p', vma->vm_pgoff * PAGE_SIZE,
               vma->vm_file != NULL ? vma->vm_file->f_inode->i_ino : 0);
    char path[128];
    const char* name = NULL;
    if (vma->vm_file != NULL) {
        name = d_path(vma->vm_file->f_path.dentry, path, sizeof(path));
    } else if (vma->vm_end == vma->vm_mm->start_stack) {
        name = "[stack]";
    } else if (vma->vm_start <= vma->vm_mm->brk && vma->vm_end > vma->vm_mm->start_brk) {
        name = "[heap]";
    }
    seq_printf(m, name != NULL && !IS_ERR(name) ? "                    %s\n" : "\n", name);
}

static void show_maps(struct seq_file* m, struct task_struct* p) {
    struct mm_struct* mm = get_task_mm(p);
    const struct vm_area_struct* vma;
    if (mm == NULL) {
        return;
    }
    mutex_lock(&mm->mmap_lock);
    list_for_each_entry(vma, &mm->mmap, vm_link) { show_map_vma(m, vma); }
    mutex_unlock(&mm->mmap_lock);
    mmput(mm);
}

// The path of `dentry`, which is put; NULL: there is none.
static int link_to(struct dentry* dentry, char* buf, int size) {
    if (dentry == NULL) {
        return -ENOENT;
    }
    char* path = d_path(dentry, buf, size);
    dput(dentry);
    if (IS_ERR(path)) {
        return -ENAMETOOLONG;
    }
    int length = (int)strlen(path);
    memmove(buf, path, (size_t)length);
    return length;
}

static int read_exe(struct task_struct* p, char* buf, int size) {
    struct mm_struct* mm = get_task_mm(p);
    struct dentry* exe = mm != NULL && mm->exe_file != NULL ? dget(mm->exe_file->f_path.dentry)
                                                            : NULL;
    mmput(mm);
    return link_to(exe, buf, size);
}

static int read_cwd(struct task_struct* p, char* buf, int size) {
    return link_to(get_task_pwd(p), buf, size);
}

static int read_self(struct task_struct* p, char* buf, int size) {
    (void)p;
    return snprintf(buf, (size_t)size, "%d", current->tgid);
}

static void show_mounts_of(struct seq_file* m, struct task_struct* p) {
    (void)p;
    show_mounts(m);
}

const struct proc_dir_entry proc_root_entries[] = {
    {.name = "self", .readlink = read_self},
    {.name = "meminfo", .show = show_meminfo},
    {.name = "uptime", .show = show_uptime},
    {.name = "stat", .show = show_system_stat},
    {.name = "loadavg", .show = show_loadavg},
    {.name = "mounts", .show = show_mounts_of},
    {.name = "cpuinfo", .show = show_cpuinfo},
    {.name = "version", .show = show_version},
    {.name = "kallsyms", .show = show_kallsyms},
    {.name = "modules", .show = show_modules},
    {.name = NULL},
};

const struct proc_dir_entry proc_pid_entries[] = {
    {.name = "stat", .show = show_stat},
    {.name = "status", .show = show_status},
    {.name = "cmdline", .show = show_cmdline},
    {.name = "comm", .show = show_comm},
    {.name = "maps", .show = show_maps},
    {.name = "mounts", .show = show_mounts_of},
    {.name = "exe", .readlink = read_exe},
    {.name = "cwd", .readlink = read_cwd},
    {.name = "fd", .i_op = &proc_fd_inode_operations, .i_fop = &proc_fd_operations},
    {.name = NULL},
};

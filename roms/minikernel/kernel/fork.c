// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/stack.h"

extern char init_stack[];

/// Task 0: the boot CPU's first steps, and what runs when nothing else can.
struct task_struct init_task = {
    .stack = init_stack,
    .usage = 1,
    .flags = PF_IDLE | PF_KTHREAD,
    .on_rq = 1,
    .run_list = LIST_HEAD_INIT(init_task.run_list),
    .tasks = LIST_HEAD_INIT(init_task.tasks),
    .real_parent = &init_task,
    .parent = &init_task,
    .children = LIST_HEAD_INIT(init_task.children),
    .sibling = LIST_HEAD_INIT(init_task.sibling),
    .group_leader = &init_task,
    .wait_chldexit = {.head = LIST_HEAD_INIT(init_task.wait_chldexit.head)},
    .comm = "swapper/0",
    .files = &init_files,
};

spinlock_t tasklist_lock;
static struct kmem_cache* task_struct_cachep;
static pid_t last_pid;

void fork_init(void) {
    task_struct_cachep = kmem_cache_create("task_struct", sizeof(struct task_struct));
}

void put_task_stack(struct task_struct* p) {
    free_thread_stack(p->stack);
    p->stack = NULL;
}

void put_task_struct(struct task_struct* p) {
    if (__atomic_sub_fetch(&p->usage, 1, __ATOMIC_ACQ_REL) == 0) {
        kmem_cache_free(task_struct_cachep, p);
    }
}

static struct task_struct* copy_process(const struct kernel_clone_args* args) {
    struct task_struct* p = kmem_cache_alloc(task_struct_cachep, GFP_KERNEL | __GFP_ZERO);
    if (p == NULL) {
        return ERR_PTR(-ENOMEM);
    }
    p->stack = alloc_thread_stack();
    if (p->stack == NULL) {
        kmem_cache_free(task_struct_cachep, p);
        return ERR_PTR(-ENOMEM);
    }
    p->files = copy_files(args->flags & CLONE_FILES, current->files);
    if (p->files == NULL) {
        free_thread_stack(p->stack);
        kmem_cache_free(task_struct_cachep, p);
        return ERR_PTR(-ENOMEM);
    }
    // One for whoever waits for its exit, one for the CPU that runs it last.
    p->usage = 2;
    p->flags = PF_KTHREAD;
    p->__state = TASK_UNINTERRUPTIBLE;
    p->group_leader = p;
    p->start_time = p->start_boottime = ktime_get_ns();
    strscpy(p->comm, args->name, sizeof(p->comm));
    INIT_LIST_HEAD(&p->run_list);
    INIT_LIST_HEAD(&p->children);
    init_waitqueue_head(&p->wait_chldexit);
    copy_thread(p, args->fn, args->fn_arg);

    spin_lock(&tasklist_lock);
    p->pid = p->tgid = ++last_pid;
    p->real_parent = p->parent = current;
    list_add_tail(&p->sibling, &current->children);
    list_add_tail(&p->tasks, &init_task.tasks);
    spin_unlock(&tasklist_lock);
    return p;
}

pid_t kernel_clone(struct kernel_clone_args* args) {
    struct task_struct* p = copy_process(args);
    if (IS_ERR(p)) {
        return (pid_t)PTR_ERR(p);
    }
    pid_t pid = p->pid;  // once awake it may be gone before we look again
    wake_up_new_task(p);
    return pid;
}

pid_t kernel_thread(int (*fn)(void*), void* arg, const char* name, unsigned long flags) {
    struct kernel_clone_args args = {.flags = flags, .name = name, .fn = fn, .fn_arg = arg};
    return kernel_clone(&args);
}

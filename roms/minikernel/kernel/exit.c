// SPDX-License-Identifier: GPL-2.0-only
#include "fs/file.h"
#include "kernel/panic.h"
#include "kernel/task.h"
#include "lib/errno.h"

#define INIT_PID 1

static struct task_struct* find_init(void) {
    struct task_struct* p;
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (p->pid == INIT_PID) {
            return p;
        }
    }
    return &init_task;
}

static void exit_notify(struct task_struct* p) {
    spin_lock(&tasklist_lock);
    struct task_struct *child, *next, *reaper = find_init();
    list_for_each_entry_safe(child, next, &p->children, sibling) {
        list_del_init(&child->sibling);
        list_add_tail(&child->sibling, &reaper->children);
        child->real_parent = child->parent = reaper;
    }
    p->exit_state = EXIT_ZOMBIE;
    __wake_up(&p->real_parent->wait_chldexit, TASK_NORMAL);
    spin_unlock(&tasklist_lock);
}

void do_exit(long code) {
    struct task_struct* p = current;
    if (p->pid <= INIT_PID) {
        panic("do_exit: attempted to kill %s, exitcode=%ld", p->pid == 0 ? "idle" : "init", code);
    }
    p->flags |= PF_EXITING;
    p->exit_code = (int)code;
    exit_files(p);
    preempt_disable();  // preempted now, it would be a zombie in the run queue
    exit_notify(p);
    do_task_dead();
}

static void release_task(struct task_struct* p) {
    list_del_init(&p->sibling);
    list_del_init(&p->tasks);
    p->exit_state = EXIT_DEAD;
}

// The first zombie that fits, taken out of the tree; ERR_PTR(-ECHILD) when there is nothing to wait
// for.
static struct task_struct* reap_child(pid_t pid) {
    struct task_struct *child, *found = ERR_PTR(-ECHILD);
    spin_lock(&tasklist_lock);
    list_for_each_entry(child, &current->children, sibling) {
        if (pid != -1 && child->pid != pid) {
            continue;
        }
        found = NULL;
        if (child->exit_state == EXIT_ZOMBIE) {
            release_task(child);
            found = child;
            break;
        }
    }
    spin_unlock(&tasklist_lock);
    return found;
}

int kernel_wait(pid_t pid, int* stat) {
    struct task_struct* child;
    wait_event(current->wait_chldexit, (child = reap_child(pid)) != NULL);
    if (IS_ERR(child)) {
        return (int)PTR_ERR(child);
    }
    int child_pid = child->pid;
    *stat = child->exit_code;
    put_task_struct(child);
    return child_pid;
}

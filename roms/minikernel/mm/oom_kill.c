// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "mm/mm_types.h"
#include "mm/oom.h"

// A page fault cannot fail: when there is no page for it, the process that has most must die.

#define INIT_PID 1
#define PATIENCE 100  // ticks that a victim has for giving its memory back

static unsigned long last_kill;

// The largest process that is not dying yet. NULL when there is none, or when one is dying and may
// yet be done in time. With tasklist_lock held.
static struct task_struct* select_bad_process(void) {
    struct task_struct *p, *victim = NULL;
    bool dying = false;
    list_for_each_entry(p, &init_task.tasks, tasks) {
        if (p->mm == NULL || p->tgid <= INIT_PID) {
            continue;
        }
        if (fatal_signal_pending(p)) {
            dying = true;
        } else if (victim == NULL || p->mm->rss > victim->mm->rss) {
            victim = p;
        }
    }
    if (dying && jiffies - last_kill < PATIENCE) {
        return NULL;
    }
    if (!dying && victim == NULL) {
        panic("out_of_memory: nobody is left to kill");
    }
    return victim;
}

static void out_of_memory(void) {
    spin_lock_irq(&tasklist_lock);
    struct task_struct* victim = select_bad_process();
    if (victim != NULL) {
        const struct kernel_siginfo info = {.si_signo = SIGKILL, .si_code = SI_KERNEL};
        printk("Out of memory: Killed process %d (%s) anon-rss:%ldkB\n", victim->tgid, victim->comm,
               victim->mm->rss << (PAGE_SHIFT - 10));
        last_kill = jiffies;
        send_signal_locked(SIGKILL, &info, victim, true);
    }
    spin_unlock_irq(&tasklist_lock);
}

bool pagefault_out_of_memory(void) {
    if (!fatal_signal_pending(current)) {
        out_of_memory();
    }
    if (fatal_signal_pending(current)) {
        return true;
    }
    msleep(1);
    return false;
}

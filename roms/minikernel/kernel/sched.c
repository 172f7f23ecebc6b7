// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sched.h"

#include "arch/uaccess.h"
#include "kernel/panic.h"
#include "kernel/task.h"

// Round robin: one queue of tasks that could run, one tick for each turn.

DEFINE_PER_CPU(int, __preempt_count) = 1;  // the boot CPU's own task is never preempted
DEFINE_PER_CPU(struct rq, runqueues);
DEFINE_PER_CPU(struct task_struct*, current_task) = &init_task;

#define RR_TIMESLICE 1

void sched_init(void) {
    struct rq* rq = this_cpu_ptr(runqueues);
    INIT_LIST_HEAD(&rq->queue);
    rq->curr = &init_task;
    rq->idle = &init_task;
}

static void activate_task(struct rq* rq, struct task_struct* p) {
    p->on_rq = 1;
    rq->nr_running++;
    list_add_tail(&p->run_list, &rq->queue);
    if (rq->curr == rq->idle) {
        set_tsk_need_resched(rq->curr);
    }
}

static struct task_struct* pick_next_task(struct rq* rq) {
    if (list_empty(&rq->queue)) {
        return rq->idle;
    }
    struct task_struct* next = list_first_entry(&rq->queue, struct task_struct, run_list);
    list_del_init(&next->run_list);
    return next;
}

static void finish_task_switch(struct task_struct* prev) {
    bool dead = prev->__state == TASK_DEAD;
    raw_spin_unlock(&this_cpu_ptr(runqueues)->lock);
    local_irq_enable();
    if (dead) {
        put_task_stack(prev);
        put_task_struct(prev);
    }
}

static void context_switch(struct rq* rq, struct task_struct* prev, struct task_struct* next) {
    rq->nr_switches++;
    rq->curr = next;
    prev = __switch_to_asm(prev, next);
    // Another task may have run for long; `prev` is now the one that ran just before us.
    finish_task_switch(prev);
}

// Called with preemption off, so every task enters and leaves a switch with the same preempt
// count: 1.
static void __schedule(bool preempt) {
    struct rq* rq = this_cpu_ptr(runqueues);
    local_irq_disable();
    raw_spin_lock(&rq->lock);
    struct task_struct* prev = rq->curr;
    if (preempt_count() != 1) {
        panic("__schedule: scheduling while atomic: %s/%d/%x", prev->comm, prev->pid,
              (unsigned)preempt_count());
    }
    clear_tsk_need_resched(prev);
    if (prev != rq->idle) {
        // A preempted task is still runnable, whatever it was about to wait for.
        if (preempt || prev->__state == TASK_RUNNING) {
            prev->nivcsw++;
            list_add_tail(&prev->run_list, &rq->queue);
        } else {
            prev->nvcsw++;
            prev->on_rq = 0;
            rq->nr_running--;
        }
    }
    struct task_struct* next = pick_next_task(rq);
    next->time_slice = RR_TIMESLICE;
    if (next != prev) {
        context_switch(rq, prev, next);
    } else {
        raw_spin_unlock(&rq->lock);
        local_irq_enable();
    }
}

void schedule(void) {
    preempt_disable();
    __schedule(false);
    preempt_enable_no_resched();
}

void do_task_dead(void) {
    set_current_state(TASK_DEAD);
    __schedule(false);
    panic("do_task_dead: %s/%d runs", current->comm, current->pid);
}

void preempt_schedule(void) {
    if (need_resched() && !irqs_disabled()) {
        preempt_disable();
        __schedule(true);
        preempt_enable_no_resched();
    }
}

void preempt_schedule_irq(void) {
    preempt_disable();
    __schedule(true);
    local_irq_disable();
    preempt_enable_no_resched();
}

void schedule_tail(struct task_struct* prev) {
    finish_task_switch(prev);
    preempt_enable();
    if (current->set_child_tid != NULL) {
        put_user(current->pid, current->set_child_tid);
    }
}

int try_to_wake_up(struct task_struct* p, unsigned int state, int wake_flags) {
    (void)wake_flags;
    struct rq* rq = this_cpu_ptr(runqueues);
    unsigned long flags = local_irq_save();
    raw_spin_lock(&rq->lock);
    int woken = (p->__state & state) != 0;
    if (woken) {
        p->__state = TASK_RUNNING;
        // It may not have gone to sleep yet: then clearing the state is all.
        if (!p->on_rq) {
            activate_task(rq, p);
        }
    }
    raw_spin_unlock(&rq->lock);
    local_irq_restore(flags);
    return woken;
}

int wake_up_process(struct task_struct* p) { return try_to_wake_up(p, TASK_NORMAL, 0); }

void wake_up_new_task(struct task_struct* p) {
    struct rq* rq = this_cpu_ptr(runqueues);
    unsigned long flags = local_irq_save();
    raw_spin_lock(&rq->lock);
    p->__state = TASK_RUNNING;
    activate_task(rq, p);
    raw_spin_unlock(&rq->lock);
    local_irq_restore(flags);
}

void scheduler_tick(void) {
    struct rq* rq = this_cpu_ptr(runqueues);
    struct task_struct* curr = rq->curr;
    if (curr == rq->idle) {
        return;
    }
    if (curr->time_slice > 0) {
        curr->time_slice--;
    }
    if (curr->time_slice == 0 && !list_empty(&rq->queue)) {
        set_tsk_need_resched(curr);
    }
}

static void do_idle(void) {
    local_irq_disable();
    if (!need_resched()) {
        arch_cpu_idle();
    }
    local_irq_enable();
    if (need_resched()) {
        __schedule(false);
    }
}

void cpu_startup_entry(void) {
    for (;;) {
        do_idle();
    }
}

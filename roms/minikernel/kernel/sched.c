// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sched.h"

#include "arch/smp.h"
#include "arch/uaccess.h"
#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/trace/events.h"

// Round robin: one queue, for all CPUs, of the tasks that could run and do not; one tick for each
// turn. Its lock is held across a task switch: the task that gives the CPU away takes it, the one
// that gets it lets it go. So nobody can pick a task whose registers are not saved yet.
//
// Kernel code is preempted wherever __preempt_count is 0: at the end of an interrupt, and when the
// last lock is let go. Every task enters and leaves a switch with the count at 1.

DEFINE_PER_CPU(int, __preempt_count) = 1;  // a CPU's idle task is never preempted
DEFINE_PER_CPU(struct rq, runqueues);
DEFINE_PER_CPU(struct task_struct*, current_task) = &init_task;

static struct {
    spinlock_t lock;
    struct list_head tasks;
} run_queue = {.tasks = LIST_HEAD_INIT(run_queue.tasks)};

#define RR_TIMESLICE 1

void init_idle(struct task_struct* idle, unsigned int cpu) {
    struct rq* rq = per_cpu_ptr(runqueues, cpu);
    idle->thread_info.cpu = cpu;
    idle->on_cpu = 1;
    rq->curr = idle;
    rq->idle = idle;
    *per_cpu_ptr(current_task, cpu) = idle;
}

void sched_init(void) { init_idle(&init_task, 0); }

static struct task_struct* cpu_curr(unsigned int cpu) {
    return READ_ONCE(per_cpu_ptr(runqueues, cpu)->curr);
}

bool idle_cpu(unsigned int cpu) { return cpu_curr(cpu) == per_cpu_ptr(runqueues, cpu)->idle; }

static bool is_free(unsigned int cpu) {
    return idle_cpu(cpu) && !(cpu_curr(cpu)->thread_info.flags & (1UL << TIF_NEED_RESCHED));
}

// An idle CPU that nobody has called yet: this one, the one that `p` knows, or any; -1.
static int select_task_rq(const struct task_struct* p) {
    if (is_free(smp_processor_id())) {
        return (int)smp_processor_id();
    }
    if (is_free(p->thread_info.cpu)) {
        return (int)p->thread_info.cpu;
    }
    for_each_online_cpu(cpu) {
        if (is_free(cpu)) {
            return (int)cpu;
        }
    }
    return -1;
}

static void activate_task(struct task_struct* p) {
    p->on_rq = 1;
    list_add_tail(&p->run_list, &run_queue.tasks);
    int cpu = select_task_rq(p);
    if (cpu >= 0) {
        set_tsk_need_resched(cpu_curr((unsigned int)cpu));
        if (cpu != (int)smp_processor_id()) {
            smp_send_reschedule((unsigned int)cpu);
        }
    }
}

static struct task_struct* pick_next_task(struct rq* rq) {
    if (list_empty(&run_queue.tasks)) {
        return rq->idle;
    }
    struct task_struct* next = list_first_entry(&run_queue.tasks, struct task_struct, run_list);
    list_del_init(&next->run_list);
    return next;
}

static void finish_task_switch(struct task_struct* prev) {
    bool dead = prev->__state == TASK_DEAD;
    prev->on_cpu = 0;
    raw_spin_unlock(&run_queue.lock);
    local_irq_enable();
    if (dead) {
        put_task_stack(prev);
        put_task_struct(prev);
    }
}

static void context_switch(struct rq* rq, struct task_struct* prev, struct task_struct* next,
                           bool preempt) {
    trace_sched_switch(preempt, prev, next, prev->__state);
    rq->nr_switches++;
    WRITE_ONCE(rq->curr, next);
    next->on_cpu = 1;
    next->thread_info.cpu = smp_processor_id();
    prev = __switch_to_asm(prev, next);
    // Another task may have run for long; `prev` is now the one that ran just before us.
    finish_task_switch(prev);
}

// Called with preemption off.
static void __schedule(bool preempt) {
    local_irq_disable();
    struct rq* rq = this_cpu_ptr(runqueues);
    raw_spin_lock(&run_queue.lock);
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
            list_add_tail(&prev->run_list, &run_queue.tasks);
        } else {
            prev->nvcsw++;
            prev->on_rq = 0;
        }
    }
    struct task_struct* next = pick_next_task(rq);
    next->time_slice = RR_TIMESLICE;
    if (next != prev) {
        context_switch(rq, prev, next, preempt);
    } else {
        raw_spin_unlock(&run_queue.lock);
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
    unsigned long flags = spin_lock_irqsave(&run_queue.lock);
    int woken = (p->__state & state) != 0;
    if (woken) {
        trace_sched_waking(p);
        WRITE_ONCE(p->__state, TASK_RUNNING);
        // It may not have gone to sleep yet: then clearing the state is all.
        if (!p->on_rq) {
            activate_task(p);
        }
        trace_sched_wakeup(p);
    }
    spin_unlock_irqrestore(&run_queue.lock, flags);
    return woken;
}

int wake_up_process(struct task_struct* p) { return try_to_wake_up(p, TASK_NORMAL, 0); }

void wake_up_new_task(struct task_struct* p) {
    unsigned long flags = spin_lock_irqsave(&run_queue.lock);
    WRITE_ONCE(p->__state, TASK_RUNNING);
    activate_task(p);
    trace_sched_wakeup_new(p);
    spin_unlock_irqrestore(&run_queue.lock, flags);
}

void kick_process(struct task_struct* p) {
    preempt_disable();
    unsigned int cpu = READ_ONCE(p->thread_info.cpu);
    if (cpu != smp_processor_id() && READ_ONCE(p->on_cpu)) {
        smp_send_reschedule(cpu);
    }
    preempt_enable();
}

void scheduler_tick(void) {
    const struct rq* rq = this_cpu_ptr(runqueues);
    struct task_struct* curr = rq->curr;
    if (curr == rq->idle) {
        return;
    }
    if (curr->time_slice > 0) {
        curr->time_slice--;
    }
    if (curr->time_slice == 0 && !list_empty(&run_queue.tasks)) {
        set_tsk_need_resched(curr);
    }
}

u64 nr_context_switches(void) {
    u64 sum = 0;
    for_each_online_cpu(cpu) { sum += per_cpu_ptr(runqueues, cpu)->nr_switches; }
    return sum;
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

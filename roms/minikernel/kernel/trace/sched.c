// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sched.h"

#include "fs/binfmt_elf.h"
#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"

// The formatter would rewrite the types, whose text is part of the formats.
// clang-format off

#define SCHED_SWITCH_FIELDS(F, A, S, E) \
    A(E, char, prev_comm, 16) F(E, pid_t, prev_pid) F(E, int, prev_prio) F(E, long, prev_state) \
    A(E, char, next_comm, 16) F(E, pid_t, next_pid) F(E, int, next_prio)
TRACE_EVENT("sched", sched_switch,
            TP_PROTO(bool preempt, struct task_struct* prev, struct task_struct* next,
                     unsigned int prev_state),
            TP_ARGS(preempt, prev, next, prev_state), SCHED_SWITCH_FIELDS,
            "\"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=0x%lx ==> next_comm=%s next_pid=%d "
            "next_prio=%d\", REC->prev_comm, REC->prev_pid, REC->prev_prio, REC->prev_state, "
            "REC->next_comm, REC->next_pid, REC->next_prio") {
    memcpy(entry->prev_comm, prev->comm, TASK_COMM_LEN);
    entry->prev_pid = prev->pid;
    entry->prev_prio = prev->prio;
    // As in Linux: 0x100 says that it could have gone on.
    entry->prev_state = preempt ? 0x100 : prev_state & 0xff;
    memcpy(entry->next_comm, next->comm, TASK_COMM_LEN);
    entry->next_pid = next->pid;
    entry->next_prio = next->prio;
}

#define SCHED_WAKEUP_FIELDS(F, A, S, E) \
    A(E, char, comm, 16) F(E, pid_t, pid) F(E, int, prio) F(E, int, target_cpu)
DECLARE_EVENT_CLASS(sched_wakeup_template, SCHED_WAKEUP_FIELDS)

#define DEFINE_WAKEUP(event)                                                                 \
    DEFINE_EVENT(sched_wakeup_template, "sched", event, TP_PROTO(struct task_struct* p),     \
                 TP_ARGS(p),                                                                 \
                 "\"comm=%s pid=%d prio=%d target_cpu=%03d\", REC->comm, REC->pid, "         \
                 "REC->prio, REC->target_cpu") {                                             \
        memcpy(entry->comm, p->comm, TASK_COMM_LEN);                                         \
        entry->pid = p->pid;                                                                 \
        entry->prio = p->prio;                                                               \
        entry->target_cpu = (int)p->thread_info.cpu;                                         \
    }
DEFINE_WAKEUP(sched_waking)
DEFINE_WAKEUP(sched_wakeup)
DEFINE_WAKEUP(sched_wakeup_new)

#define SCHED_PROCESS_FIELDS(F, A, S, E) A(E, char, comm, 16) F(E, pid_t, pid) F(E, int, prio)
DECLARE_EVENT_CLASS(sched_process_template, SCHED_PROCESS_FIELDS)

#define DEFINE_PROCESS(event)                                                                \
    DEFINE_EVENT(sched_process_template, "sched", event, TP_PROTO(struct task_struct* p),    \
                 TP_ARGS(p),                                                                 \
                 "\"comm=%s pid=%d prio=%d\", REC->comm, REC->pid, REC->prio") {             \
        memcpy(entry->comm, p->comm, TASK_COMM_LEN);                                         \
        entry->pid = p->pid;                                                                 \
        entry->prio = p->prio;                                                               \
    }
DEFINE_PROCESS(sched_process_exit)
DEFINE_PROCESS(sched_process_free)

#define SCHED_FORK_FIELDS(F, A, S, E) \
    A(E, char, parent_comm, 16) F(E, pid_t, parent_pid) \
    A(E, char, child_comm, 16) F(E, pid_t, child_pid)
TRACE_EVENT("sched", sched_process_fork,
            TP_PROTO(struct task_struct* parent, struct task_struct* child),
            TP_ARGS(parent, child), SCHED_FORK_FIELDS,
            "\"comm=%s pid=%d child_comm=%s child_pid=%d\", REC->parent_comm, REC->parent_pid, "
            "REC->child_comm, REC->child_pid") {
    memcpy(entry->parent_comm, parent->comm, TASK_COMM_LEN);
    entry->parent_pid = parent->pid;
    memcpy(entry->child_comm, child->comm, TASK_COMM_LEN);
    entry->child_pid = child->pid;
}

#define SCHED_EXEC_FIELDS(F, A, S, E) S(E, filename) F(E, pid_t, pid) F(E, pid_t, old_pid)
TRACE_EVENT("sched", sched_process_exec,
            TP_PROTO(struct task_struct* p, pid_t old_pid, struct linux_binprm* bprm),
            TP_ARGS(p, old_pid, bprm), SCHED_EXEC_FIELDS,
            "\"filename=%s pid=%d old_pid=%d\", __get_str(filename), REC->pid, REC->old_pid") {
    __assign_str(filename, bprm->filename);
    entry->pid = p->pid;
    entry->old_pid = old_pid;
}

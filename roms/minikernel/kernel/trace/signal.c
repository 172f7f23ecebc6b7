// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/sched.h"
#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"

// clang-format off

#define GENERATE_FIELDS(F, A, S, E) \
    F(E, int, sig) F(E, int, errno) F(E, int, code) A(E, char, comm, 16) F(E, pid_t, pid) \
    F(E, int, group) F(E, int, result)
TRACE_EVENT("signal", signal_generate,
            TP_PROTO(int sig, const struct kernel_siginfo* info, struct task_struct* task,
                     int group, int result),
            TP_ARGS(sig, info, task, group, result), GENERATE_FIELDS,
            "\"sig=%d errno=%d code=%d comm=%s pid=%d grp=%d res=%d\", REC->sig, REC->errno, "
            "REC->code, REC->comm, REC->pid, REC->group, REC->result") {
    entry->sig = sig;
    entry->errno = info->si_errno;
    entry->code = info->si_code;
    memcpy(entry->comm, task->comm, TASK_COMM_LEN);
    entry->pid = task->pid;
    entry->group = group;
    entry->result = result;
}

#define DELIVER_FIELDS(F, A, S, E) \
    F(E, int, sig) F(E, int, errno) F(E, int, code) F(E, unsigned long, sa_handler) \
    F(E, unsigned long, sa_flags)
TRACE_EVENT("signal", signal_deliver,
            TP_PROTO(int sig, const struct kernel_siginfo* info, const struct sigaction* ka),
            TP_ARGS(sig, info, ka), DELIVER_FIELDS,
            "\"sig=%d errno=%d code=%d sa_handler=%lx sa_flags=%lx\", REC->sig, REC->errno, "
            "REC->code, REC->sa_handler, REC->sa_flags") {
    entry->sig = sig;
    entry->errno = info->si_errno;
    entry->code = info->si_code;
    entry->sa_handler = ka->sa_handler;
    entry->sa_flags = ka->sa_flags;
}

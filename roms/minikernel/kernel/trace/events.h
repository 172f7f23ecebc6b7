// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"
#include "kernel/trace/tracepoint.h"

// All tracepoints, with Linux's names and arguments.

struct irqaction;
struct k_sigaction;
struct kernel_siginfo;
struct linux_binprm;
struct module;
struct page;
struct sigaction;
struct task_struct;
struct timer_list;

DECLARE_TRACE(sched_switch,
              TP_PROTO(bool preempt, struct task_struct* prev, struct task_struct* next,
                       unsigned int prev_state),
              TP_ARGS(preempt, prev, next, prev_state))
DECLARE_TRACE(sched_waking, TP_PROTO(struct task_struct* p), TP_ARGS(p))
DECLARE_TRACE(sched_wakeup, TP_PROTO(struct task_struct* p), TP_ARGS(p))
DECLARE_TRACE(sched_wakeup_new, TP_PROTO(struct task_struct* p), TP_ARGS(p))
DECLARE_TRACE(sched_process_fork, TP_PROTO(struct task_struct* parent, struct task_struct* child),
              TP_ARGS(parent, child))
DECLARE_TRACE(sched_process_exec,
              TP_PROTO(struct task_struct* p, pid_t old_pid, struct linux_binprm* bprm),
              TP_ARGS(p, old_pid, bprm))
DECLARE_TRACE(sched_process_exit, TP_PROTO(struct task_struct* p), TP_ARGS(p))
DECLARE_TRACE(sched_process_free, TP_PROTO(struct task_struct* p), TP_ARGS(p))

DECLARE_TRACE(sys_enter, TP_PROTO(struct pt_regs* regs, long id), TP_ARGS(regs, id))
DECLARE_TRACE(sys_exit, TP_PROTO(struct pt_regs* regs, long ret), TP_ARGS(regs, ret))

DECLARE_TRACE(irq_handler_entry, TP_PROTO(int irq, struct irqaction* action), TP_ARGS(irq, action))
DECLARE_TRACE(irq_handler_exit, TP_PROTO(int irq, struct irqaction* action, int ret),
              TP_ARGS(irq, action, ret))
DECLARE_TRACE(local_timer_entry, TP_PROTO(int vector), TP_ARGS(vector))
DECLARE_TRACE(local_timer_exit, TP_PROTO(int vector), TP_ARGS(vector))
DECLARE_TRACE(reschedule_entry, TP_PROTO(int vector), TP_ARGS(vector))
DECLARE_TRACE(reschedule_exit, TP_PROTO(int vector), TP_ARGS(vector))
DECLARE_TRACE(call_function_entry, TP_PROTO(int vector), TP_ARGS(vector))
DECLARE_TRACE(call_function_exit, TP_PROTO(int vector), TP_ARGS(vector))

DECLARE_TRACE(page_fault_user,
              TP_PROTO(unsigned long address, struct pt_regs* regs, unsigned long error_code),
              TP_ARGS(address, regs, error_code))
DECLARE_TRACE(page_fault_kernel,
              TP_PROTO(unsigned long address, struct pt_regs* regs, unsigned long error_code),
              TP_ARGS(address, regs, error_code))

DECLARE_TRACE(kmalloc,
              TP_PROTO(unsigned long call_site, const void* ptr, size_t bytes_req,
                       size_t bytes_alloc, gfp_t gfp_flags, int node),
              TP_ARGS(call_site, ptr, bytes_req, bytes_alloc, gfp_flags, node))
DECLARE_TRACE(kfree, TP_PROTO(unsigned long call_site, const void* ptr), TP_ARGS(call_site, ptr))
DECLARE_TRACE(mm_page_alloc,
              TP_PROTO(struct page* page, unsigned int order, gfp_t gfp_flags, int migratetype),
              TP_ARGS(page, order, gfp_flags, migratetype))
DECLARE_TRACE(mm_page_free, TP_PROTO(struct page* page, unsigned int order), TP_ARGS(page, order))

DECLARE_TRACE(timer_start,
              TP_PROTO(struct timer_list* timer, unsigned long expires, unsigned int flags),
              TP_ARGS(timer, expires, flags))
DECLARE_TRACE(timer_expire_entry, TP_PROTO(struct timer_list* timer, unsigned long baseclk),
              TP_ARGS(timer, baseclk))
DECLARE_TRACE(timer_expire_exit, TP_PROTO(struct timer_list* timer), TP_ARGS(timer))
DECLARE_TRACE(timer_cancel, TP_PROTO(struct timer_list* timer), TP_ARGS(timer))

DECLARE_TRACE(signal_generate,
              TP_PROTO(int sig, const struct kernel_siginfo* info, struct task_struct* task,
                       int group, int result),
              TP_ARGS(sig, info, task, group, result))
DECLARE_TRACE(signal_deliver,
              TP_PROTO(int sig, const struct kernel_siginfo* info, const struct sigaction* ka),
              TP_ARGS(sig, info, ka))

DECLARE_TRACE(module_load, TP_PROTO(struct module* mod), TP_ARGS(mod))
DECLARE_TRACE(module_free, TP_PROTO(struct module* mod), TP_ARGS(mod))

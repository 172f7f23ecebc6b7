// SPDX-License-Identifier: GPL-2.0-only
#include "arch/irq.h"

#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"

// clang-format off

#define IRQ_ENTRY_FIELDS(F, A, S, E) F(E, int, irq) S(E, name)
TRACE_EVENT("irq", irq_handler_entry, TP_PROTO(int irq, struct irqaction* action),
            TP_ARGS(irq, action), IRQ_ENTRY_FIELDS,
            "\"irq=%d name=%s\", REC->irq, __get_str(name)") {
    entry->irq = irq;
    __assign_str(name, action->name);
}

#define IRQ_EXIT_FIELDS(F, A, S, E) F(E, int, irq) F(E, int, ret)
TRACE_EVENT("irq", irq_handler_exit, TP_PROTO(int irq, struct irqaction* action, int ret),
            TP_ARGS(irq, action, ret), IRQ_EXIT_FIELDS,
            "\"irq=%d ret=%s\", REC->irq, REC->ret ? \"handled\" : \"unhandled\"") {
    entry->irq = irq;
    entry->ret = ret;
}

#define VECTOR_FIELDS(F, A, S, E) F(E, int, vector)
DECLARE_EVENT_CLASS(x86_irq_vector, VECTOR_FIELDS)

#define DEFINE_VECTOR(event)                                                               \
    DEFINE_EVENT(x86_irq_vector, "irq_vectors", event, TP_PROTO(int vector),               \
                 TP_ARGS(vector), "\"vector=%d\", REC->vector") {                          \
        entry->vector = vector;                                                            \
    }
DEFINE_VECTOR(local_timer_entry)
DEFINE_VECTOR(local_timer_exit)
DEFINE_VECTOR(reschedule_entry)
DEFINE_VECTOR(reschedule_exit)
DEFINE_VECTOR(call_function_entry)
DEFINE_VECTOR(call_function_exit)

#define FAULT_FIELDS(F, A, S, E) \
    F(E, unsigned long, address) F(E, unsigned long, ip) F(E, unsigned long, error_code)
DECLARE_EVENT_CLASS(x86_exceptions, FAULT_FIELDS)

#define DEFINE_FAULT(event)                                                                \
    DEFINE_EVENT(x86_exceptions, "exceptions", event,                                      \
                 TP_PROTO(unsigned long address, struct pt_regs* regs,                     \
                          unsigned long error_code),                                       \
                 TP_ARGS(address, regs, error_code),                                       \
                 "\"address=%ps ip=%ps error_code=0x%lx\", (void *)REC->address, "         \
                 "(void *)REC->ip, REC->error_code") {                                     \
        entry->address = address;                                                          \
        entry->ip = regs->ip;                                                              \
        entry->error_code = error_code;                                                    \
    }
DEFINE_FAULT(page_fault_user)
DEFINE_FAULT(page_fault_kernel)

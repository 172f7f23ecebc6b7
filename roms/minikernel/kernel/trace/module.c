// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module.h"

#include "kernel/trace/define_trace.h"
#include "kernel/trace/events.h"

// clang-format off

#define MODULE_LOAD_FIELDS(F, A, S, E) F(E, unsigned int, taints) S(E, name)
TRACE_EVENT("module", module_load, TP_PROTO(struct module* mod), TP_ARGS(mod), MODULE_LOAD_FIELDS,
            "\"%s\", __get_str(name)") {
    __assign_str(name, mod->name);
}

#define MODULE_FREE_FIELDS(F, A, S, E) S(E, name)
TRACE_EVENT("module", module_free, TP_PROTO(struct module* mod), TP_ARGS(mod), MODULE_FREE_FIELDS,
            "\"%s\", __get_str(name)") {
    __assign_str(name, mod->name);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/extable.h"

#include "kernel/module.h"

extern const struct exception_table_entry __start___ex_table[], __stop___ex_table[];

static __kprobes const struct exception_table_entry* search(
    const struct exception_table_entry* entry, const struct exception_table_entry* end,
    unsigned long address) {
    for (; entry < end; entry++) {
        if ((unsigned long)&entry->insn + (unsigned long)(long)entry->insn == address) {
            return entry;
        }
    }
    return NULL;
}

__kprobes const struct exception_table_entry* search_exception_tables(unsigned long address) {
    const struct module* mod = module_address(address);
    return mod != NULL ? search(mod->extable, mod->extable + mod->num_exentries, address)
                       : search(__start___ex_table, __stop___ex_table, address);
}

__kprobes bool fixup_exception(struct pt_regs* regs) {
    const struct exception_table_entry* entry = search_exception_tables(regs->ip);
    if (entry == NULL) {
        return false;
    }
    regs->ip = (unsigned long)&entry->fixup + (unsigned long)(long)entry->fixup;
    return true;
}

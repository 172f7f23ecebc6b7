// SPDX-License-Identifier: GPL-2.0-only
#include "arch/extable.h"

extern const struct exception_table_entry __start___ex_table[], __stop___ex_table[];

__kprobes const struct exception_table_entry* search_exception_tables(unsigned long address) {
    const struct exception_table_entry* entry;
    for (entry = __start___ex_table; entry < __stop___ex_table; entry++) {
        if ((unsigned long)&entry->insn + (unsigned long)(long)entry->insn == address) {
            return entry;
        }
    }
    return NULL;
}

__kprobes bool fixup_exception(struct pt_regs* regs) {
    const struct exception_table_entry* entry = search_exception_tables(regs->ip);
    if (entry == NULL) {
        return false;
    }
    regs->ip = (unsigned long)&entry->fixup + (unsigned long)(long)entry->fixup;
    return true;
}

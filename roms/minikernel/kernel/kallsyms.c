// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/kallsyms.h"

#include "fs/proc/proc.h"
#include "kernel/module.h"
#include "lib/vsprintf.h"

// The table is made from a first link's symbols and linked in by a second one
// (kernel/kallsyms.awk). It lies behind the text, so no function moves. The first link has none.
struct kallsyms_entry {
    unsigned long address, size;
    const char* name;  // behind a letter that says what it is, as nm does
};
extern const struct kallsyms_entry kallsyms_table[] __attribute__((weak));
extern const unsigned long kallsyms_num_syms __attribute__((weak));

const char* kallsyms_lookup(unsigned long addr, unsigned long* size, unsigned long* offset) {
    if (&kallsyms_num_syms == NULL) {
        return NULL;
    }
    unsigned long low = 0, high = kallsyms_num_syms;
    while (low < high) {
        unsigned long middle = (low + high) / 2;
        if (kallsyms_table[middle].address <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    const struct kallsyms_entry* entry = &kallsyms_table[low - 1];
    if (addr - entry->address >= entry->size) {
        return NULL;
    }
    *size = entry->size;
    *offset = addr - entry->address;
    return entry->name + 1;
}

void show_kallsyms(struct seq_file* m, struct task_struct* unused) {
    (void)unused;
    for (unsigned long i = 0; i < kallsyms_num_syms; i++) {
        const struct kallsyms_entry* entry = &kallsyms_table[i];
        seq_printf(m, "%016lx %c %s\n", entry->address, entry->name[0], entry->name + 1);
    }
    show_module_symbols(m);
}

int sprint_symbol(char* buffer, unsigned long address, bool is_return_address) {
    unsigned long size, offset, at = address - is_return_address;
    const char *name = kallsyms_lookup(at, &size, &offset), *modname = NULL;
    if (name == NULL) {
        name = module_address_lookup(at, &size, &offset, &modname);
    }
    if (name == NULL) {
        return snprintf(buffer, KSYM_SYMBOL_LEN, "0x%lx", address);
    }
    return snprintf(buffer, KSYM_SYMBOL_LEN, "%s+0x%lx/0x%lx%s%s%s", name,
                    offset + is_return_address, size, modname != NULL ? " [" : "",
                    modname != NULL ? modname : "", modname != NULL ? "]" : "");
}

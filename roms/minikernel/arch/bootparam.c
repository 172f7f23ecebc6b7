// SPDX-License-Identifier: GPL-2.0-only
#include "arch/bootparam.h"

#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/page.h"

struct boot_params boot_params;
char boot_command_line[COMMAND_LINE_SIZE];

void copy_bootdata(phys_addr_t from) {
    memcpy(&boot_params, __va(from), sizeof(boot_params));
    if (boot_params.cmd_line_ptr != 0) {
        strscpy(boot_command_line, __va(boot_params.cmd_line_ptr), sizeof(boot_command_line));
    }
}

void e820_print_table(void) {
    for (int i = 0; i < boot_params.e820_entries; i++) {
        const struct boot_e820_entry* e = &boot_params.e820_table[i];
        printk("BIOS-e820: [mem %016llx-%016llx] %s\n", e->addr, e->addr + e->size - 1,
               e->type == E820_TYPE_RAM ? "usable" : "reserved");
    }
}

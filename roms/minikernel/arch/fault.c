// SPDX-License-Identifier: GPL-2.0-only
#include "arch/extable.h"
#include "arch/processor.h"
#include "arch/traps.h"
#include "kernel/printk.h"

#define X86_PF_PROT (1UL << 0)
#define X86_PF_WRITE (1UL << 1)
#define X86_PF_INSTR (1UL << 4)

void exc_page_fault(struct pt_regs* regs, unsigned long error_code);
void exc_page_fault(struct pt_regs* regs, unsigned long error_code) {
    unsigned long address = read_cr2();
    if (fixup_exception(regs)) {
        return;
    }
    printk("BUG: unable to handle page fault for address: %p\n", (void*)address);
    printk("#PF: supervisor %s: %s\n",
           error_code & X86_PF_INSTR   ? "instruction fetch"
           : error_code & X86_PF_WRITE ? "write access"
                                       : "read access",
           error_code & X86_PF_PROT ? "permissions violation" : "not-present page");
    die("Oops", regs, error_code);
}

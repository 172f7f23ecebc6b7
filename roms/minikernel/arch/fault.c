// SPDX-License-Identifier: GPL-2.0-only
#include "arch/extable.h"
#include "arch/processor.h"
#include "arch/syscall.h"
#include "arch/traps.h"
#include "arch/uaccess.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/trace/events.h"
#include "mm/mm_types.h"
#include "mm/oom.h"

#define X86_PF_PROT (1UL << 0)
#define X86_PF_WRITE (1UL << 1)
#define X86_PF_INSTR (1UL << 4)

#define SEGV_MAPERR 1
#define SEGV_ACCERR 2

static void bad_kernel_fault(struct pt_regs* regs, unsigned long error_code,
                             unsigned long address) {
    console_verbose();
    printk("BUG: unable to handle page fault for address: %p\n", (void*)address);
    printk("#PF: supervisor %s: %s\n",
           error_code & X86_PF_INSTR   ? "instruction fetch"
           : error_code & X86_PF_WRITE ? "write access"
                                       : "read access",
           error_code & X86_PF_PROT ? "permissions violation" : "not-present page");
    die("Oops", regs, error_code);
}

static bool access_error(unsigned long error_code, const struct vm_area_struct* vma) {
    if (error_code & X86_PF_WRITE) {
        return !(vma->vm_flags & VM_WRITE);
    }
    if (error_code & X86_PF_INSTR) {
        return !(vma->vm_flags & VM_EXEC);
    }
    return !(vma->vm_flags & VM_ACCESS);
}

#define NO_MEMORY (-1)

// A fault that the program's memory map explains: 0, or the signal that says it does not, or
// NO_MEMORY.
static int fault_in(struct mm_struct* mm, unsigned long error_code, unsigned long address,
                    int* code) {
    struct vm_area_struct* vma = find_vma(mm, address);
    *code = SEGV_MAPERR;
    if (vma == NULL || (vma->vm_start > address && expand_stack(vma, address) != 0)) {
        return SIGSEGV;
    }
    if (access_error(error_code, vma)) {
        *code = SEGV_ACCERR;
        return SIGSEGV;
    }
    int fault = handle_mm_fault(vma, address, error_code & X86_PF_WRITE ? FAULT_FLAG_WRITE : 0);
    return fault & VM_FAULT_OOM ? NO_MEMORY : fault & VM_FAULT_SIGBUS ? SIGBUS : 0;
}

static void do_user_addr_fault(struct pt_regs* regs, unsigned long error_code,
                               unsigned long address) {
    struct mm_struct* mm = current->mm;
    int code;
    mutex_lock(&mm->mmap_lock);
    int sig = fault_in(mm, error_code, address, &code);
    mutex_unlock(&mm->mmap_lock);
    // Without memory, the access is made again, and faults again, until there is some.
    if (sig == 0 || (sig == NO_MEMORY && !pagefault_out_of_memory())) {
        return;
    }
    if (user_mode(regs)) {
        if (sig == NO_MEMORY) {
            return;  // to be killed on the way out
        }
        force_sig_fault(sig, code, address);
    } else if (!fixup_exception(regs)) {
        bad_kernel_fault(regs, error_code, address);
    }
}

void exc_page_fault(struct pt_regs* regs, unsigned long error_code);
void exc_page_fault(struct pt_regs* regs, unsigned long error_code) {
    unsigned long address = read_cr2();
    if (user_mode(regs)) {
        trace_page_fault_user(address, regs, error_code);
    } else {
        trace_page_fault_kernel(address, regs, error_code);
    }
    if (address < TASK_SIZE && current->mm != NULL && preempt_count() == 0 &&
        (regs->flags & X86_EFLAGS_IF)) {
        local_irq_enable();
        do_user_addr_fault(regs, error_code, address);
        if (user_mode(regs)) {
            syscall_exit_to_user_mode(regs);
        } else {
            local_irq_disable();
        }
        return;
    }
    if (user_mode(regs)) {
        local_irq_enable();
        force_sig_fault(SIGSEGV, SEGV_MAPERR, address);
        syscall_exit_to_user_mode(regs);
        return;
    }
    if (!fixup_exception(regs)) {
        bad_kernel_fault(regs, error_code, address);
    }
}

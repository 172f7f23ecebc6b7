// SPDX-License-Identifier: GPL-2.0-only
#include "arch/linkage.h"

#define __USER_DS 0x2b
#define __USER_CS 0x33
#define MSR_GS_BASE 0xc0000101

// From a trap to C and back. The CPU has pushed SS, RSP, RFLAGS, CS, RIP and, for some vectors, an error code; the code
// here completes struct pt_regs, calls exc_<name>(regs, error_code) or common_interrupt(regs, vector), and returns. A
// trap from user mode comes with the user's GS base.

#define ORIG_AX 15 * 8
#define CS 17 * 8

    .section .entry.text, "ax"

.macro PUSH_REGS
    cld
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    // A frame pointer for the backtrace: pt_regs is recognised by bit 0 (arch/stacktrace.c).
    leaq 1(%rsp), %rbp
.endm

.macro POP_REGS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    addq $8, %rsp               // orig_ax
.endm

.macro SWAPGS_IF_USER
    testb $3, CS(%rsp)
    jz 1f
    swapgs
1:
.endm

.macro CALL_HANDLER function
    movq %rsp, %rdi
    movq ORIG_AX(%rsp), %rsi
    movq $-1, ORIG_AX(%rsp)     // as after any trap that is not a system call
    call \function
.endm

.macro EXCEPTION name, has_error_code=0
FUNC_START asm_exc_\name
    .if !\has_error_code
    pushq $0
    .endif
    PUSH_REGS
    SWAPGS_IF_USER
    CALL_HANDLER exc_\name
    jmp error_return
FUNC_END asm_exc_\name
.endm

// On a stack of its own, and perhaps between a SYSCALL and its SWAPGS: only GS base itself says whose it is. RBX
// remembers whether to swap back.
.macro PARANOID_EXCEPTION name, has_error_code=0
FUNC_START asm_exc_\name
    .if !\has_error_code
    pushq $0
    .endif
    PUSH_REGS
    xorl %ebx, %ebx
    movl $MSR_GS_BASE, %ecx
    rdmsr
    testl %edx, %edx
    js 1f
    swapgs
    incl %ebx
1:  CALL_HANDLER exc_\name
    testl %ebx, %ebx
    jz 1f
    swapgs
1:  POP_REGS
    iretq
FUNC_END asm_exc_\name
.endm

EXCEPTION divide_error
PARANOID_EXCEPTION debug
PARANOID_EXCEPTION nmi
EXCEPTION int3
EXCEPTION overflow
EXCEPTION bounds
EXCEPTION invalid_op
EXCEPTION device_not_available
PARANOID_EXCEPTION double_fault, 1
EXCEPTION coproc_segment_overrun
EXCEPTION invalid_tss, 1
EXCEPTION segment_not_present, 1
EXCEPTION stack_segment, 1
EXCEPTION general_protection, 1
EXCEPTION page_fault, 1
EXCEPTION coprocessor_error
EXCEPTION alignment_check, 1
PARANOID_EXCEPTION machine_check
EXCEPTION simd_coprocessor_error
EXCEPTION virtualization_exception
EXCEPTION control_protection, 1

// One 16-byte stub for each interrupt line.
FUNC_START irq_entries_start
    .Lvector = 0x20
    .rept 16
    .balign 16
    pushq $.Lvector
    jmp asm_common_interrupt
    .Lvector = .Lvector + 1
    .endr
FUNC_END irq_entries_start

// Interrupts from the local APIC, each with a handler of its own.
.macro SYSVEC name
FUNC_START asm_sysvec_\name
    pushq $0
    PUSH_REGS
    SWAPGS_IF_USER
    CALL_HANDLER sysvec_\name
    jmp error_return
FUNC_END asm_sysvec_\name
.endm

SYSVEC reschedule_ipi
SYSVEC call_function
SYSVEC apic_timer_interrupt
SYSVEC spurious_apic_interrupt

FUNC_START asm_common_interrupt
    PUSH_REGS
    SWAPGS_IF_USER
    CALL_HANDLER common_interrupt
    jmp error_return
FUNC_END asm_common_interrupt

FUNC_START error_return
    testb $3, CS(%rsp)
    jz 1f
    swapgs
1:  POP_REGS
    iretq
FUNC_END error_return

// SYSCALL leaves RIP in RCX and RFLAGS in R11, and everything else, RSP included, to us.
FUNC_START entry_SYSCALL_64
    swapgs
    movq %rsp, %gs:rsp_scratch
    movq %gs:cpu_current_top_of_stack, %rsp
    pushq $__USER_DS
    pushq %gs:rsp_scratch
    pushq %r11
    pushq $__USER_CS
    pushq %rcx
    pushq %rax                  // orig_ax
    PUSH_REGS
    movq %rsp, %rdi
    call do_syscall_64
    jmp swapgs_restore_regs_and_return_to_usermode
FUNC_END entry_SYSCALL_64

// A new task's first instructions: RAX = the task it follows, RBX = its function or 0, R12 = the argument; RSP =
// its struct pt_regs.
FUNC_START ret_from_fork
    movq %rax, %rdi
    call schedule_tail
    testq %rbx, %rbx
    jz 1f
    movq %r12, %rdi
    call *%rbx
    movq %rax, %rdi
    call kernel_thread_returned // comes back when the thread has become a program
1:  movq %rsp, %rdi
    call syscall_exit_to_user_mode
    jmp swapgs_restore_regs_and_return_to_usermode
FUNC_END ret_from_fork

// By IRET, which can restore everything.
FUNC_START swapgs_restore_regs_and_return_to_usermode
    swapgs
    POP_REGS
    iretq
FUNC_END swapgs_restore_regs_and_return_to_usermode

    .section .note.GNU-stack, "", @progbits

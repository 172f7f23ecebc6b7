// SPDX-License-Identifier: GPL-2.0-only
#include "arch/linkage.h"

// From a trap to C and back. The CPU has pushed SS, RSP, RFLAGS, CS, RIP and, for some vectors, an error code; the code
// here completes struct pt_regs, calls exc_<name>(regs, error_code) or common_interrupt(regs, vector), and returns.

#define ORIG_AX 15 * 8

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
    CALL_HANDLER exc_\name
    jmp error_return
FUNC_END asm_exc_\name
.endm

EXCEPTION divide_error
EXCEPTION debug
EXCEPTION nmi
EXCEPTION int3
EXCEPTION overflow
EXCEPTION bounds
EXCEPTION invalid_op
EXCEPTION device_not_available
EXCEPTION double_fault, 1
EXCEPTION coproc_segment_overrun
EXCEPTION invalid_tss, 1
EXCEPTION segment_not_present, 1
EXCEPTION stack_segment, 1
EXCEPTION general_protection, 1
EXCEPTION page_fault, 1
EXCEPTION coprocessor_error
EXCEPTION alignment_check, 1
EXCEPTION machine_check
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

FUNC_START asm_common_interrupt
    PUSH_REGS
    CALL_HANDLER common_interrupt
    jmp error_return
FUNC_END asm_common_interrupt

FUNC_START error_return
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
    iretq
FUNC_END error_return

    .section .note.GNU-stack, "", @progbits

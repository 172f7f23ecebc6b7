// SPDX-License-Identifier: GPL-2.0-only
#include "arch/linkage.h"
#include "arch/asm_offsets.h"

    .text

// struct task_struct* __switch_to_asm(struct task_struct* prev, struct task_struct* next)
// Callee-saved registers wait on the task's own stack; what is pushed here is struct inactive_task_frame.
FUNC_START __switch_to_asm
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, TASK_THREAD_SP(%rdi)
    movq TASK_THREAD_SP(%rsi), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    jmp __switch_to
FUNC_END __switch_to_asm

    .section .note.GNU-stack, "", @progbits

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/linkage.h"

// Another CPU's first instructions. It starts in real mode at TRAMPOLINE_BASE, a page below 1 MiB to which
// arch/smpboot.c copies what is here, and goes straight to long mode on page tables that map that page one to one and
// the kernel where it is.

#define TRAMPOLINE_BASE 0x8000
#define AT(label) (TRAMPOLINE_BASE + (label) - trampoline_start)

#define X86_CR0_PE 1
#define X86_CR0_PG_BIT 31
#define X86_CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME_NX 0x900

    .section .rodata
    .balign 16
    .globl trampoline_start, trampoline_end, trampoline_pgd, trampoline_entry
    .code16
trampoline_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AT(trampoline_gdt_pointer)
    movl %cr0, %eax
    orl $X86_CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $0x08, $AT(protected_mode)

    .code32
protected_mode:
    movw $0x18, %ax
    movw %ax, %ds
    movl $X86_CR4_PAE, %eax
    movl %eax, %cr4
    movl AT(trampoline_pgd), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NX, %eax
    wrmsr
    movl %cr0, %eax
    btsl $X86_CR0_PG_BIT, %eax
    movl %eax, %cr0
    ljmpl $0x10, $AT(long_mode)

    .code64
long_mode:
    movq AT(trampoline_entry), %rax
    jmp *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    // 0x08 code, 32 bits
    .quad 0x00af9b000000ffff    // 0x10 code
    .quad 0x00cf93000000ffff    // 0x18 data
trampoline_gdt_pointer:
    .word . - trampoline_gdt - 1
    .long AT(trampoline_gdt)
    .balign 8
trampoline_pgd:
    .quad 0                     // filled in: physical address of the page tables
trampoline_entry:
    .quad 0                     // filled in: secondary_startup_64
trampoline_end:

    .text
// With the trampoline's page tables still: on to the kernel's own, and to C.
FUNC_START secondary_startup_64
    movq secondary_cr3, %rax
    movq %rax, %cr3
    movq secondary_stack, %rsp
    xorl %ebp, %ebp             // the end of every backtrace
    movl secondary_cpu, %edi
    call start_secondary
    ud2
FUNC_END secondary_startup_64

    .section .note.GNU-stack, "", @progbits

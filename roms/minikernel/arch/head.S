// SPDX-License-Identifier: GPL-2.0-only
#include "arch/linkage.h"
#include "arch/memory_map.h"

// The first instructions. The boot loader enters here by the Linux 64-bit boot protocol: long mode, the low 4 GiB mapped
// one to one, interrupts off, RSI = physical address of struct boot_params. RIP is a physical address, far from the
// one the image was linked for, so only RIP-relative addresses are right until the jump below.

#define PTE_RW_PRESENT 0x03
#define PTE_HUGE 0x80
#define PML4_INDEX(va) (((va) >> 39) & 511)

    .section .head.text, "ax"
    .code64
FUNC_START startup_64
    cli
    cld
    movq %rsi, %r15

    // One table of 2 MiB pages for the first GiB ...
    leaq early_pmd(%rip), %rdi
    movq $(PTE_HUGE | PTE_RW_PRESENT), %rax
    movl $512, %ecx
1:  movq %rax, (%rdi)
    addq $0x200000, %rax
    addq $8, %rdi
    decl %ecx
    jnz 1b

    // ... seen at three places: one to one (we are running there), as direct map, and as kernel image.
    leaq early_pmd + PTE_RW_PRESENT(%rip), %rax
    movq %rax, early_pud(%rip)
    movq %rax, level3_kernel_pgt + 510 * 8(%rip)
    leaq early_pud + PTE_RW_PRESENT(%rip), %rax
    movq %rax, init_top_pgt(%rip)
    movq %rax, init_top_pgt + PML4_INDEX(PAGE_OFFSET) * 8(%rip)
    leaq level3_kernel_pgt + PTE_RW_PRESENT(%rip), %rax
    movq %rax, init_top_pgt + 511 * 8(%rip)

    leaq init_top_pgt(%rip), %rax
    movq %rax, %cr3
    movq $1f, %rax
    jmp *%rax

1:  movq $init_stack + THREAD_SIZE, %rsp
    xorl %ebp, %ebp             // the end of every backtrace
    movq %r15, %rdi
    call start_kernel
    ud2
FUNC_END startup_64

    .section .bss..page_aligned, "aw", @nobits
    .balign 4096
.macro PAGE_TABLE name
    .globl \name
    .type \name, @object
    .size \name, 4096
\name:
    .skip 4096
.endm
// The root stays the same for ever; mm/init.c replaces what hangs below it.
PAGE_TABLE init_top_pgt
PAGE_TABLE level3_kernel_pgt
PAGE_TABLE early_pud
PAGE_TABLE early_pmd

    .globl init_stack
    .type init_stack, @object
    .size init_stack, THREAD_SIZE
init_stack:
    .skip THREAD_SIZE

    .section .note.GNU-stack, "", @progbits

# SPDX-License-Identifier: GPL-2.0-only
# The guest of several_cpus_test.cpp: how a PC's first CPU starts the others, works with them, changes
# code under them, and wakes them. Low memory, which the test maps at its own addresses:
#
#   0x8000 the trampoline   0x9000 what they share (below)   0xa000 a function that changes
#   0x70000 + id * 0x1000 the others' stacks

    .set    started, 0x00           # CPUs that run
    .set    changed, 0x04           # CPUs that saw the new function
    .set    woken, 0x08             # interrupts taken
    .set    work, 0x10              # what all add to
    .set    others, 0x20            # CPUs but the first
    .set    gdt_pointer, 0x9100
    .set    page_tables, 0x9110
    .set    secondary_entry, 0x9118
    .set    idt_pointer, 0x9120

    .set    apic_id, 0x20
    .set    apic_eoi, 0xb0
    .set    apic_spurious, 0xf0
    .set    apic_command, 0x300

    .section .rodata
    .globl  cpus_trampoline, cpus_trampoline_end, cpus_main, cpus_secondary, cpus_wake, cpus_end

    .code16
cpus_trampoline:
    cli
    xorw    %ax, %ax
    movw    %ax, %ds
    lgdtl   gdt_pointer
    movl    %cr0, %eax
    orl     $1, %eax
    movl    %eax, %cr0
    ljmpl   $0x08, $(0x8000 + protected_mode - cpus_trampoline)
    .code32
protected_mode:
    movl    $0x20, %eax             # PAE
    movl    %eax, %cr4
    movl    page_tables, %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx       # IA32_EFER: LME, NXE
    rdmsr
    orl     $0x900, %eax
    wrmsr
    movl    %cr0, %eax
    orl     $0x80000000, %eax
    movl    %eax, %cr0
    ljmpl   $0x10, $(0x8000 + long_mode - cpus_trampoline)
    .code64
long_mode:
    movq    secondary_entry, %rax
    jmp     *%rax
cpus_trampoline_end:

cpus_main:
    movl    $0xfee00000, %r8d
    movl    $0x9000, %r9d
    movl    $0xc4500, apic_command(%r8)     # INIT, all but self
    movl    $0xc4608, apic_command(%r8)     # SIPI to 0x8000
1:  pause
    movl    started(%r9), %eax
    cmpl    others(%r9), %eax
    jne     1b
    call    add_up
    movb    $1, 0xa001                      # what the function returns
2:  pause
    movl    changed(%r9), %eax
    cmpl    others(%r9), %eax
    jne     2b
    movl    $0xc4040, apic_command(%r8)     # vector 0x40, all but self
3:  pause
    movl    woken(%r9), %eax
    cmpl    others(%r9), %eax
    jne     3b
    xorl    %eax, %eax
    outb    %al, $0xf4

cpus_secondary:
    movl    $0xfee00000, %r8d
    movl    $0x9000, %r9d
    movl    apic_id(%r8), %eax
    shrl    $12, %eax
    leal    0x71000(%eax), %esp
    lidt    idt_pointer
    movl    $0x1ff, apic_spurious(%r8)
    lock incl started(%r9)
    call    add_up
    movl    $0xa000, %ebx
1:  call    *%rbx
    testl   %eax, %eax
    jz      1b
    lock incl changed(%r9)
    sti
2:  hlt
    jmp     2b

add_up:
    movl    $1000, %ecx
1:  lock incq work(%r9)
    loop    1b
    ret

cpus_wake:
    lock incl woken(%r9)
    movl    $0, apic_eoi(%r8)
    iretq
cpus_end:

    .section .note.GNU-stack, "", @progbits

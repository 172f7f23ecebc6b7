# SPDX-License-Identifier: GPL-2.0-only
# The guest of device_storm_test.cpp: random accesses to ports, device registers and MSRs, for ever. What it reads goes
# into a hash, so that two runs can be compared. Exceptions and interrupts of every vector come to storm_handler, which
# makes an access too: no storm of interrupts keeps the guest from going on.
#
#   rbx chance (xorshift64)   r12 hash of what was read   r13 accesses made   r14 interrupts   r15 exceptions
#   rbp a bit for each kind of access that is allowed, in the order of the table below; bit 16: also what ends all interrupts,
#       or the CPU, for good

    .set    lapic, 0xfee00000
    .set    io_apic, 0xfec00000

    .section .rodata
    .globl  storm_begin, storm_main, storm_handler, storm_end

storm_begin:
storm_main:
    call    access
    movl    %ebx, %eax
    shrl    $24, %eax
    andl    $15, %eax
    jz      1f
    cmpl    $1, %eax
    jne     storm_main
    cli
    jmp     storm_main
1:  sti
    jmp     storm_main

# rbx = the next number; also in rax.
chance:
    movq    %rbx, %rax
    shlq    $13, %rax
    xorq    %rax, %rbx
    movq    %rbx, %rax
    shrq    $7, %rax
    xorq    %rax, %rbx
    movq    %rbx, %rax
    shlq    $17, %rax
    xorq    %rax, %rbx
    movq    %rbx, %rax
    ret

# rax goes into the hash.
note:
    xorq    %rax, %r12
    rolq    $7, %r12
    leaq    (%r12, %r12, 4), %r12
    ret

# dx = a port: mostly one that a device has.
pick_port:
    call    chance
    movl    %eax, %edx
    shrl    $16, %edx
    testb   $7, %al
    jz      1f
    shrl    $8, %eax
    andl    $63, %eax
    leaq    ports(%rip), %rdx
    movzwl  (%rdx, %rax, 2), %edx
1:  ret

# One access. Uses rax, rcx, rdx.
access:
    incq    %r13
    call    chance
    shrq    $40, %rax
    andl    $15, %eax
    btl     %eax, %ebp
    jnc     access
    leaq    kinds(%rip), %rcx
    movslq  (%rcx, %rax, 4), %rax
    addq    %rcx, %rax
    jmp     *%rax

out_1:
    call    pick_port
    call    chance
    outb    %al, %dx
    ret
out_2:
    call    pick_port
    call    chance
    outw    %ax, %dx
    ret
out_4:
    call    pick_port
    call    chance
    outl    %eax, %dx
    ret
in_1:
    call    pick_port
    xorl    %eax, %eax
    inb     %dx, %al
    jmp     note
in_2:
    call    pick_port
    xorl    %eax, %eax
    inw     %dx, %ax
    jmp     note
in_4:
    call    pick_port
    inl     %dx, %eax
    jmp     note
write_lapic:
    call    chance
    movl    %eax, %ecx
    andl    $0x3f0, %ecx
    shrq    $20, %rax
    btl     $16, %ebp
    jc      1f
    cmpl    $0x300, %ecx            # tame: no interprocessor interrupts,
    je      2f
    cmpl    $0x80, %ecx             # no high task priority,
    jne     3f
    andl    $0x3f, %eax
3:  cmpl    $0xf0, %ecx             # and never switched off
    jne     1f
    orl     $0x100, %eax
1:  movl    $(lapic), %edx
    movl    %eax, (%rdx, %rcx)
2:  ret
read_lapic:
    call    chance
    movl    %eax, %ecx
    andl    $0xfff, %ecx
    shrl    $12, %eax
    testb   $3, %al
    jz      1f
    andl    $0xff0, %ecx
1:  movl    $(lapic), %edx
    movl    (%rdx, %rcx), %eax
    jmp     note
write_io_apic:
    call    chance
    movl    %eax, %ecx
    andl    $0x3f, %ecx
    movl    $io_apic, %edx
    movl    %ecx, (%rdx)
    shrq    $20, %rax
    btl     $16, %ebp
    jc      1f
    testb   $1, %cl
    jnz     1f
    andl    $~0x700, %eax           # tame: fixed delivery
1:  movl    %eax, 0x10(%rdx)
    ret
read_io_apic:
    call    chance
    movl    %eax, %ecx
    andl    $0x3f, %ecx
    movl    $io_apic, %edx
    movl    %ecx, (%rdx)
    movl    0x10(%rdx), %eax
    jmp     note
write_odd:                          # device registers in other sizes and places
    call    chance
    movl    %eax, %ecx
    andl    $0xffc, %ecx
    movl    $(lapic), %edx
    testl   $0x10000, %eax
    jz      1f
    movl    $io_apic, %edx
1:  shrq    $32, %rax
    movw    %ax, 1(%rdx, %rcx)
    movb    %al, (%rdx, %rcx)
    ret
read_odd:
    call    chance
    movl    %eax, %ecx
    andl    $0xff0, %ecx
    movl    $(lapic), %edx
    testl   $0x10000, %eax
    jz      1f
    movl    $io_apic, %edx
1:  movq    1(%rdx, %rcx), %rax
    jmp     note
write_msr:
    call    pick_msr
    call    chance
    movq    %rax, %rdx
    shrq    $32, %rdx
    testl   $0x100000, %ebx         # also small and large numbers
    jz      1f
    xorl    %edx, %edx
1:  btl     $16, %ebp
    jc      2f
    cmpl    $0x1b, %ecx             # tame: the local APIC stays on
    jne     2f
    orl     $0x800, %eax
2:  wrmsr
    ret
read_msr:
    call    pick_msr
    xorl    %eax, %eax
    xorl    %edx, %edx
    rdmsr
    shlq    $32, %rdx
    orq     %rdx, %rax
    jmp     note
read_time:
    rdtsc
    jmp     note
string_io:                          # a few bytes to and from the console's port
    pushq   %rsi
    pushq   %rdi
    leaq    ports(%rip), %rsi
    leaq    -64(%rsp), %rdi
    movl    $0x3ff, %edx
    movl    $5, %ecx
    rep     outsb
    movl    $5, %ecx
    rep     insb
    popq    %rdi
    popq    %rsi
    ret

pick_msr:
    call    chance
    movl    %eax, %ecx
    shrl    $16, %ecx
    andl    $0x7ff, %ecx
    testb   $3, %al
    jz      1f
    shrl    $8, %eax
    andl    $31, %eax
    leaq    msrs(%rip), %rcx
    movl    (%rcx, %rax, 4), %ecx
1:  ret

storm_handler:
    pushq   %rax
    cmpq    $0x10, 16(%rsp)         # CS: there is no error code
    je      1f
    incq    %r15
    addq    $2, 16(%rsp)            # RDMSR or WRMSR that faulted
    movq    (%rsp), %rax
    addq    $16, %rsp
    iretq
1:  incq    %r14
    pushq   %rcx
    pushq   %rdx
    movl    $(lapic), %edx
    movl    $0, 0xb0(%rdx)          # ends of interrupt
    movb    $0x20, %al
    outb    %al, $0xa0
    outb    %al, $0x20
    call    access
    popq    %rdx
    popq    %rcx
    popq    %rax
    iretq

    .balign 4
kinds:
    .long   out_1 - kinds, out_2 - kinds, out_4 - kinds, in_1 - kinds
    .long   in_2 - kinds, in_4 - kinds, write_lapic - kinds, read_lapic - kinds
    .long   write_io_apic - kinds, read_io_apic - kinds, write_odd - kinds, read_odd - kinds
    .long   write_msr - kinds, read_msr - kinds, read_time - kinds, string_io - kinds
ports:                              # 64
    .word   0x20, 0x21, 0xa0, 0xa1, 0x20, 0x21, 0xa0, 0xa1
    .word   0x40, 0x41, 0x42, 0x43, 0x40, 0x43, 0x61, 0x61
    .word   0x60, 0x64, 0x60, 0x64, 0x70, 0x71, 0x70, 0x71
    .word   0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff
    .word   0x3f8, 0x3f8, 0x3f9, 0x3fa, 0x3fc, 0x3f8, 0x3f8, 0x3fd
    .word   0x70, 0x71, 0x71, 0x70, 0x80, 0x4d0, 0x4d1, 0xcf8
    .word   0xcfc, 0x92, 0xed, 0x2f8, 0x1f0, 0x3d4, 0x60, 0x64
    .word   0xa0, 0x20, 0x40, 0x43, 0x71, 0x70, 0xffff, 0
msrs:                               # 32; not those that the guest stands on (FS and GS base are fine)
    .long   0x10, 0x1b, 0x3b, 0x6e0, 0x6e0, 0x17, 0xce, 0x34
    .long   0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b
    .long   0x198, 0x1a0, 0x200, 0x20f, 0x250, 0x277, 0x2ff, 0x400
    .long   0x427, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000102, 0xc0000103
storm_end:

    .section .note.GNU-stack, "", @progbits

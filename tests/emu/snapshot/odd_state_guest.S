# SPDX-License-Identifier: GPL-2.0-only
# The guest of odd_state_test.cpp: gives everything that a machine keeps an odd value, step by step, then reads all of
# it into memory at rdi. A state is saved between any two of its instructions.
#
#   r8 local APIC   r9 IO-APIC   rdi where results go   rsi 512 bytes, 64-byte aligned

    .section .rodata
    .globl  odd_begin, odd_main, odd_interrupt, odd_nmi, odd_debug, odd_end

    .macro  set_msr index, low, high
    movl    $\index, %ecx
    movl    $\low, %eax
    movl    $\high, %edx
    wrmsr
    .endm
    .macro  keep_msr index
    movl    $\index, %ecx
    rdmsr
    stosl
    movl    %edx, %eax
    stosl
    .endm
    .macro  out_to port, value
    movw    $\port, %dx
    movb    $\value, %al
    outb    %al, %dx
    .endm
    .macro  keep_port port
    movw    $\port, %dx
    inb     %dx, %al
    stosb
    .endm

odd_begin:
odd_main:
    # Debug registers: an execution breakpoint further down, a data breakpoint, and two that are off.
    leaq    breakpoint(%rip), %rax
    movq    %rax, %dr0
    leaq    256(%rsi), %rax
    movq    %rax, %dr1
    movl    $0x12345, %eax
    movq    %rax, %dr2
    movl    $0x54321, %eax
    movq    %rax, %dr3
    movl    $0x00d0070a, %eax       # DR0: execute, DR1: write 4 bytes; both global
    movq    %rax, %dr7

    set_msr 0x277, 0x01040506, 0x07040600   # PAT
    set_msr 0x2ff, 0x0c06, 0                # MTRRs
    set_msr 0x200, 0x12345006, 0
    set_msr 0x20f, 0xfff00800, 0xff
    set_msr 0x250, 0x06060606, 0x04040404
    set_msr 0x26f, 0x05050505, 0x01010101
    set_msr 0x400, 0xffffffff, 0xffffffff   # machine checks
    set_msr 0x426, 0x12345000, 0x12
    set_msr 0x17b, 0xffffffff, 0xffffffff
    set_msr 0x174, 0x10, 0                  # SYSENTER
    set_msr 0x175, 0x80012340, 0xffffffff
    set_msr 0x176, 0x80056780, 0xffffffff
    set_msr 0xc0000081, 0x11, 0x00180010    # SYSCALL
    set_msr 0xc0000082, 0x80077770, 0xffffffff
    set_msr 0xc0000084, 0x47700, 0
    set_msr 0xc0000100, 0x1230, 0x1         # FS, GS
    set_msr 0xc0000101, 0x4560, 0x2
    set_msr 0xc0000102, 0x7890, 0x3
    set_msr 0xc0000103, 0x77, 0
    set_msr 0x3b, 0x1000000, 0              # TSC_ADJUST
    swapgs

    # x87 and SSE, with rounding modes of their own.
    fninit
    fldpi
    fldl2t
    movw    $0x0f3f, (%rsi)         # to zero
    fldcw   (%rsi)
    fld1
    movl    $0x7fc0, (%rsi)         # to zero, denormals are zeroes
    ldmxcsr (%rsi)
    movl    $3, %eax
    cvtsi2sdl %eax, %xmm3
    movl    $10, %eax
    cvtsi2sdl %eax, %xmm12
    divsd   %xmm3, %xmm12
    std

    # Interrupt controllers in the middle of their set-up, and interrupts that wait.
    out_to  0x20, 0x11
    out_to  0x21, 0x30
    out_to  0x21, 0x04
    out_to  0x21, 0x01
    out_to  0x21, 0x7a
    out_to  0xa0, 0x11
    out_to  0xa1, 0x38              # three command words of four
    out_to  0x20, 0x0b              # reads show what is in service
    movl    $0x1ff, 0xf0(%r8)
    movl    $0x30, 0x80(%r8)        # task priority
    movl    $0x35000000, 0xd0(%r8)
    movl    $0x3, 0x3e0(%r8)
    movl    $0x20055, 0x320(%r8)    # periodic timer
    movl    $3, 0x380(%r8)
    movl    $0x10400, 0x350(%r8)
    movl    $0x4002f, 0x300(%r8)    # an interrupt for itself: below the task priority
    movl    $0x11, (%r9)
    movl    $0x07000000, 0x10(%r9)
    movl    $0x10, (%r9)
    movl    $0x18a51, 0x10(%r9)
    movl    $0x2f, (%r9)

    # Timer: a count that is half written, one that is latched and half read; the clock; the keyboard.
    out_to  0x43, 0x34
    out_to  0x40, 0x34
    out_to  0x40, 0x02
    out_to  0x43, 0xb6
    out_to  0x42, 0x77
    out_to  0x42, 0x11
    out_to  0x42, 0x99
    out_to  0x43, 0x00
    inb     $0x40, %al
    out_to  0x61, 0x03
    out_to  0x70, 0x0a
    out_to  0x71, 0x2f
    out_to  0x70, 0x0b
    out_to  0x71, 0x76
    out_to  0x70, 0x55
    out_to  0x71, 0xa5
    out_to  0x64, 0x60              # a command that waits for its data
    # The console's port: bytes that were typed in the FIFO, the divisor latch open.
    out_to  0x3fa, 0x01
    out_to  0x3fc, 0x0b
    out_to  0x3f9, 0x03
    out_to  0x3ff, 0x5a
    movw    $0x3f8, %dx
    inb     %dx, %al
    out_to  0x3fb, 0x83
    out_to  0x3f8, 0x99

    # A non-maskable interrupt whose handler sends another one.
    movl    $0x44400, 0x300(%r8)
    nop
breakpoint:
    incl    %ebp
    movl    %ebp, 256(%rsi)         # the data breakpoint
    sti
    nop
    pushfq                          # single steps
    orl     $0x100, (%rsp)
    popfq
    incl    %ebx
    incl    %ebx
    pushfq
    andl    $~0x100, (%rsp)
    popfq
    movl    $0, 0x80(%r8)           # now they come
    movl    $100, %ecx
1:  loop    1b
    cli

    # All of it.
    cld
    fxsaveq (%rsi)
    movq    %dr0, %rax
    stosq
    movq    %dr1, %rax
    stosq
    movq    %dr2, %rax
    stosq
    movq    %dr3, %rax
    stosq
    movq    %dr6, %rax
    stosq
    movq    %dr7, %rax
    stosq
    fldl2e
    frndint
    fstpl   (%rdi)
    addq    $8, %rdi
    cvtsd2si %xmm12, %eax
    stosl
    .irp    index, 0x277, 0x2ff, 0x200, 0x20f, 0x250, 0x26f, 0x400, 0x426, 0x17b, 0x174, 0x175, 0x176, 0x10, 0x3b, 0x1b
    keep_msr \index
    .endr
    .irp    index, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103
    keep_msr \index
    .endr
    xorl    %ebx, %ebx
2:  movl    (%r8, %rbx), %eax       # the local APIC
    stosl
    addl    $16, %ebx
    cmpl    $0x400, %ebx
    jne     2b
    movl    (%r9), %eax
    stosl
    xorl    %ebx, %ebx
3:  movl    %ebx, (%r9)             # the IO-APIC
    movl    0x10(%r9), %eax
    stosl
    incl    %ebx
    cmpl    $0x40, %ebx
    jne     3b
    xorl    %ebx, %ebx
4:  movb    %bl, %al                # the clock's chip
    outb    %al, $0x70
    inb     $0x71, %al
    stosb
    incb    %bl
    jns     4b
    .irp    port, 0x20, 0x21, 0xa0, 0xa1, 0x40, 0x40, 0x42, 0x42, 0x61, 0x64, 0x60
    keep_port \port
    .endr
    .irp    port, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff
    keep_port \port
    .endr
    out_to  0x3fb, 0x03
    movl    $20, %ecx
5:  keep_port 0x3f8
    loop    5b
    xorl    %eax, %eax
    outl    %eax, $0xf4
    hlt

odd_interrupt:
    incl    512(%rsi)
    movl    $0, 0xb0(%r8)
    iretq
odd_nmi:
    incl    520(%rsi)
    cmpl    $3, 520(%rsi)
    jae     1f
    movl    $0x44400, 0x300(%r8)    # waits until this one has returned
    nop
    nop
1:  iretq
odd_debug:
    incl    528(%rsi)
    orl     $0x10000, 16(%rsp)      # RF
    iretq
odd_end:

    .section .note.GNU-stack, "", @progbits

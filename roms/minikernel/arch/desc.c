// SPDX-License-Identifier: GPL-2.0-only
#include "arch/desc.h"

#include "arch/percpu.h"
#include "arch/processor.h"
#include "arch/smp.h"
#include "kernel/panic.h"

struct x86_hw_tss {
    u32 reserved1;
    u64 sp0, sp1, sp2;
    u64 reserved2;
    u64 ist[7];
    u32 reserved3, reserved4;
    u16 reserved5;
    u16 io_bitmap_base;
} __packed;

struct desc_ptr {
    u16 size;
    u64 address;
} __packed;

#define EXCEPTION_STKSZ 4096

static DEFINE_PER_CPU(struct x86_hw_tss, cpu_tss_rw);
static DEFINE_PER_CPU(u64, gdt_page[10]) = {
    [1] = 0x00cf9b000000ffff,  // 0x08 kernel code, 32 bits
    [2] = 0x00af9b000000ffff,  // 0x10 kernel code
    [3] = 0x00cf93000000ffff,  // 0x18 kernel data
    [4] = 0x00cffb000000ffff,  // 0x23 user code, 32 bits
    [5] = 0x00cff3000000ffff,  // 0x2b user data
    [6] = 0x00affb000000ffff,  // 0x33 user code
    // [8] and [9]: TSS
};
static u8 exception_stacks[NR_CPUS][N_EXCEPTION_STACKS][EXCEPTION_STKSZ] __aligned(16);

void load_sp0(unsigned long sp0) { this_cpu_ptr(cpu_tss_rw)->sp0 = sp0; }

static void load_gdt(const u64* gdt, size_t bytes) {
    const struct desc_ptr pointer = {(u16)(bytes - 1), (u64)gdt};
    __asm__ volatile(
        "lgdt %0\n\t"
        // CS changes only by a far transfer.
        "pushq %1\n\t"
        "leaq 1f(%%rip), %%rax\n\t"
        "pushq %%rax\n\t"
        "lretq\n"
        "1:\n\t"
        "movl %2, %%ss\n\t"
        "movl %2, %%ds\n\t"
        "movl %2, %%es\n\t"
        // FS only: loading GS would clear its base.
        "movl %3, %%fs"
        :
        : "m"(pointer), "i"(__KERNEL_CS), "r"(__KERNEL_DS), "r"(0)
        : "rax", "memory");
}

void cpu_init(void) {
    u64* gdt = *this_cpu_ptr(gdt_page);
    struct x86_hw_tss* tss = this_cpu_ptr(cpu_tss_rw);
    for (int i = 0; i < N_EXCEPTION_STACKS; i++) {
        tss->ist[i] = (u64)exception_stacks[smp_processor_id()][i] + EXCEPTION_STKSZ;
    }
    tss->io_bitmap_base = sizeof(*tss);

    u64 base = (u64)tss;
    gdt[GDT_TSS / 8] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 |
                       (base >> 24 & 0xff) << 56;
    gdt[GDT_TSS / 8 + 1] = base >> 32;
    load_gdt(gdt, sizeof(gdt_page));
    __asm__ volatile("ltr %w0" : : "r"(GDT_TSS));
}

void load_idt(u64 base, u16 limit) {
    const struct desc_ptr pointer = {limit, base};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

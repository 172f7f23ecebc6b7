// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// The instructions that C has no word for, and the bits they take.

#define X86_EFLAGS_FIXED (1UL << 1)
#define X86_EFLAGS_TF (1UL << 8)
#define X86_EFLAGS_IF (1UL << 9)

#define X86_CR0_WP (1UL << 16)
#define X86_CR0_MP (1UL << 1)
#define X86_CR0_EM (1UL << 2)
#define X86_CR4_OSFXSR (1UL << 9)
#define X86_CR4_OSXMMEXCPT (1UL << 10)
#define X86_CR4_PGE (1UL << 7)
#define X86_CR4_SMEP (1UL << 20)

#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_SYSCALL_MASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE (1UL << 0)
#define EFER_NX (1UL << 11)

#define DEFINE_CONTROL_REGISTER(n)                                     \
    static inline unsigned long read_cr##n(void) {                     \
        unsigned long value;                                           \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(value));          \
        return value;                                                  \
    }                                                                  \
    static inline void write_cr##n(unsigned long value) {              \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(value) : "memory"); \
    }
DEFINE_CONTROL_REGISTER(0)
DEFINE_CONTROL_REGISTER(2)
DEFINE_CONTROL_REGISTER(3)
DEFINE_CONTROL_REGISTER(4)
#undef DEFINE_CONTROL_REGISTER

static inline u64 rdmsr(u32 msr) {
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value) {
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

struct cpuid_regs {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf) {
    struct cpuid_regs r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(0));
    return r;
}

static inline void invlpg(unsigned long address) {
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline unsigned long local_save_flags(void) {
    unsigned long flags;
    __asm__ volatile("pushfq; popq %0" : "=rm"(flags));
    return flags;
}

static inline bool irqs_disabled(void) { return !(local_save_flags() & X86_EFLAGS_IF); }

static inline void local_irq_disable(void) { __asm__ volatile("cli" : : : "memory"); }

static inline void local_irq_enable(void) { __asm__ volatile("sti" : : : "memory"); }

static inline unsigned long local_irq_save(void) {
    unsigned long flags = local_save_flags();
    local_irq_disable();
    return flags;
}

static inline void local_irq_restore(unsigned long flags) {
    if (flags & X86_EFLAGS_IF) {
        local_irq_enable();
    }
}

/// Nothing can slip in between: STI takes effect after the next instruction, which is the HLT.
static inline void safe_halt(void) { __asm__ volatile("sti; hlt" : : : "memory"); }

static inline void cpu_relax(void) { __asm__ volatile("pause"); }

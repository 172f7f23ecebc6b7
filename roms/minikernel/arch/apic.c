// SPDX-License-Identifier: GPL-2.0-only
#include "arch/apic.h"

#include "arch/memory_map.h"
#include "arch/processor.h"
#include "arch/smp.h"
#include "kernel/panic.h"
#include "mm/paging.h"

// The local APIC: each CPU sees its own at the same address.

#define APIC_EOI 0x0b0
#define APIC_SPIV 0x0f0
#define APIC_SPIV_APIC_ENABLED (1u << 8)
#define APIC_ICR 0x300
#define APIC_ICR2 0x310

#define APIC_DM_FIXED 0x000u
#define APIC_DM_NMI 0x400u
#define APIC_DM_INIT 0x500u
#define APIC_DM_STARTUP 0x600u
#define APIC_INT_ASSERT 0x4000u
#define APIC_DEST_ALLBUT 0xc0000u

static void apic_write(u32 reg, u32 value) { *(volatile u32*)(APIC_BASE_ADDRESS + reg) = value; }

void init_apic_mappings(void) {
    pte_t* entry = pte_alloc_kernel(APIC_BASE_ADDRESS);
    if (entry == NULL) {
        panic("init_apic_mappings: no memory");
    }
    *entry = mp_lapic_addr | PAGE_KERNEL_NOCACHE;
}

void setup_local_APIC(void) {
    // The rest is as the firmware left it: the boot CPU alone takes the 8259's interrupts.
    apic_write(APIC_SPIV, APIC_SPIV_APIC_ENABLED | SPURIOUS_APIC_VECTOR);
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

// The command has two halves, and an interrupt between them might send one of its own.
static void apic_icr_write(u8 apicid, u32 command) {
    unsigned long flags = local_irq_save();
    apic_write(APIC_ICR2, (u32)apicid << 24);
    apic_write(APIC_ICR, command);
    local_irq_restore(flags);
}

void apic_send_IPI(unsigned int cpu, u8 vector) {
    apic_icr_write(cpu_to_apicid[cpu], APIC_INT_ASSERT | APIC_DM_FIXED | vector);
}

void apic_send_NMI_allbutself(void) {
    apic_icr_write(0, APIC_DEST_ALLBUT | APIC_INT_ASSERT | APIC_DM_NMI);
}

void apic_start_cpu(unsigned int cpu, phys_addr_t start) {
    apic_icr_write(cpu_to_apicid[cpu], APIC_INT_ASSERT | APIC_DM_INIT);
    apic_icr_write(cpu_to_apicid[cpu],
                   APIC_INT_ASSERT | APIC_DM_STARTUP | (u32)(start >> PAGE_SHIFT));
}

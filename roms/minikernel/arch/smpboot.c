// SPDX-License-Identifier: GPL-2.0-only
#include "arch/apic.h"
#include "arch/desc.h"
#include "arch/processor.h"
#include "arch/smp.h"
#include "arch/syscall.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "mm/paging.h"

// How the boot CPU starts the others, one after the other.

#define TRAMPOLINE_BASE 0x8000UL  // as in arch/trampoline.S

extern char trampoline_start[], trampoline_end[], trampoline_pgd[], trampoline_entry[];
void secondary_startup_64(void);

unsigned int nr_online_cpus = 1;

// What secondary_startup_64 needs to know.
unsigned long secondary_cr3, secondary_stack;
unsigned int secondary_cpu;

static void* in_low_page(const char* symbol) {
    return (char*)__va(TRAMPOLINE_BASE) + (symbol - trampoline_start);
}

// A root that also maps the trampoline one to one; only CPUs that start use it.
static pte_t* make_trampoline_pgd(void) {
    pte_t* tables[4];
    for (int i = 0; i < 4; i++) {
        tables[i] = (pte_t*)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 0);
        if (tables[i] == NULL) {
            panic("smp_init: no memory");
        }
    }
    memcpy(tables[0] + 256, init_top_pgt + 256, 256 * sizeof(pte_t));
    for (int i = 0; i < 3; i++) {
        tables[i][0] = __pa(tables[i + 1]) | _PAGE_PRESENT | _PAGE_RW;
    }
    tables[3][TRAMPOLINE_BASE >> PAGE_SHIFT] = TRAMPOLINE_BASE | _PAGE_PRESENT;
    return tables[0];
}

static void free_trampoline_pgd(pte_t* pgd) {
    for (int i = 0; i < 4; i++) {
        pte_t* below = __va(pgd[0] & PTE_PFN_MASK);
        free_pages((unsigned long)pgd, 0);
        pgd = below;
    }
}

/// From arch/trampoline.S, on the new CPU's idle stack, interrupts off.
void start_secondary(unsigned int cpu) __noreturn;
void start_secondary(unsigned int cpu) {
    load_percpu_area(cpu);
    cpu_init();
    load_current_idt();
    cpu_protections_on();
    syscall_init();
    setup_local_APIC();
    WRITE_ONCE(nr_online_cpus, cpu + 1);
    cpu_startup_entry();
}

static void cpu_up(unsigned int cpu) {
    struct task_struct* idle = fork_idle(cpu);
    setup_per_cpu_area(cpu);
    init_idle(idle, cpu);
    secondary_cpu = cpu;
    secondary_cr3 = __pa(init_top_pgt);
    secondary_stack = (unsigned long)idle->stack + THREAD_SIZE;
    apic_start_cpu(cpu, TRAMPOLINE_BASE);
    while (num_online_cpus() <= cpu) {
        cpu_relax();
    }
}

void smp_init(void) {
    if (nr_possible_cpus == 1) {
        return;
    }
    init_apic_mappings();
    setup_local_APIC();
    pte_t* pgd = make_trampoline_pgd();
    memcpy(__va(TRAMPOLINE_BASE), trampoline_start, (size_t)(trampoline_end - trampoline_start));
    *(u64*)in_low_page(trampoline_pgd) = __pa(pgd);
    *(u64*)in_low_page(trampoline_entry) = (u64)secondary_startup_64;
    for (unsigned int cpu = 1; cpu < nr_possible_cpus; cpu++) {
        cpu_up(cpu);
    }
    free_trampoline_pgd(pgd);
    printk("smp: %u CPUs\n", num_online_cpus());
}

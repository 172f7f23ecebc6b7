// SPDX-License-Identifier: GPL-2.0-only
#include "mm/paging.h"

#include "arch/bootparam.h"
#include "arch/processor.h"
#include "arch/sections.h"
#include "kernel/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/memblock.h"
#include "mm/tlb.h"

extern pte_t level3_kernel_pgt[512];

// Where entry_at_level starts: first a root under construction, then the live one.
static pte_t* kernel_root;

static pte_t* alloc_table(void) {
    if (mem_map == NULL) {
        return memblock_alloc(PAGE_SIZE);
    }
    return (pte_t*)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 0);
}

// The table below `entry`, made when there is none.
static pte_t* next_table(pte_t* entry) {
    if (!(*entry & _PAGE_PRESENT)) {
        pte_t* table = alloc_table();
        if (table == NULL) {
            return NULL;
        }
        *entry = __pa(table) | _PAGE_PRESENT | _PAGE_RW;
    }
    return __va(*entry & PTE_PFN_MASK);
}

static unsigned int index_at(unsigned long va, int level) {
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

static pte_t* entry_at_level(unsigned long va, int level) {
    pte_t* table = kernel_root;
    for (int at = 4; at > level; at--) {
        table = next_table(&table[index_at(va, at)]);
        if (table == NULL) {
            return NULL;
        }
    }
    return &table[index_at(va, level)];
}

pte_t* pte_alloc_kernel(unsigned long va) { return entry_at_level(va, 1); }

// A page of 2 MiB becomes 512 of 4 KiB with the same rights.
static int split_large_page(pte_t* entry) {
    pte_t* table = alloc_table();
    if (table == NULL) {
        return -ENOMEM;
    }
    for (unsigned long i = 0; i < 512; i++) {
        table[i] = (*entry & ~_PAGE_PSE) + i * PAGE_SIZE;
    }
    *entry = __pa(table) | _PAGE_PRESENT | _PAGE_RW;
    return 0;
}

int set_direct_map_writable(void* address, bool writable) {
    unsigned long va = (unsigned long)address;
    pte_t* entry = entry_at_level(va, 2);
    if ((*entry & _PAGE_PSE) && writable) {
        return 0;
    }
    if ((*entry & _PAGE_PSE) && split_large_page(entry) != 0) {
        return -ENOMEM;
    }
    entry = entry_at_level(va, 1);
    *entry = writable ? *entry | _PAGE_RW : *entry & ~_PAGE_RW;
    flush_tlb_kernel_range(va, va + PAGE_SIZE);
    return 0;
}

static void map_range(unsigned long va, phys_addr_t from, phys_addr_t to, unsigned long prot) {
    for (phys_addr_t pa = from; pa < to;) {
        bool huge = ((va | pa) & (PMD_SIZE - 1)) == 0 && to - pa >= PMD_SIZE;
        pte_t* entry = entry_at_level(va, huge ? 2 : 1);
        *entry = pa | prot | (huge ? _PAGE_PSE : 0);
        pa += huge ? PMD_SIZE : PAGE_SIZE;
        va += huge ? PMD_SIZE : PAGE_SIZE;
    }
}

static void map_kernel_image(void) {
    const struct {
        char *start, *end;
        unsigned long prot;
    } parts[] = {
        {_text, __start_rodata, PAGE_KERNEL_ROX},
        {__start_rodata, _sdata, PAGE_KERNEL_RO},
        {_sdata, _end, PAGE_KERNEL},
    };
    for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
        unsigned long prot = parts[i].prot;
        for (char* page = parts[i].start; page < parts[i].end; page += PAGE_SIZE) {
            phys_addr_t pa = __pa(page);
            *entry_at_level((unsigned long)page, 1) = pa | prot;
            // Its second address, in the direct map, must not be a way around the first one's
            // protection.
            *entry_at_level(PAGE_OFFSET + pa, 1) = pa | prot | _PAGE_NX;
        }
    }
}

// The image's 4 KiB entries come first where both would want a 2 MiB page.
static void map_ram_around_image(phys_addr_t start, phys_addr_t end) {
    phys_addr_t image_start = __pa(_text) & ~(PMD_SIZE - 1);
    phys_addr_t image_end = (__pa(_end) + PMD_SIZE - 1) & ~(PMD_SIZE - 1);
    map_range(PAGE_OFFSET + start, start, min(end, image_start), PAGE_KERNEL);
    for (phys_addr_t pa = max(start, image_start); pa < min(end, image_end); pa += PAGE_SIZE) {
        pte_t* entry = entry_at_level(PAGE_OFFSET + pa, 1);
        if (!(*entry & _PAGE_PRESENT)) {
            *entry = pa | PAGE_KERNEL;
        }
    }
    phys_addr_t rest = max(start, image_end);
    map_range(PAGE_OFFSET + rest, rest, end, PAGE_KERNEL);
}

void cpu_protections_on(void) {
    if (!(cpuid(0x80000001).edx & 1u << 20)) {
        panic("paging_init: this CPU has no NX");
    }
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NX);
    write_cr0(read_cr0() | X86_CR0_WP);
    unsigned long cr4 = read_cr4() | X86_CR4_PGE;
    if (cpuid(0).eax >= 7 && (cpuid(7).ebx & 1u << 7)) {
        cr4 |= X86_CR4_SMEP;
    }
    write_cr4(cr4);
}

void paging_init(void) {
    unsigned int direct_map = index_at(PAGE_OFFSET, 4);
    unsigned int image = index_at(KERNEL_MAP, 3);
    kernel_root = alloc_table();
    map_kernel_image();
    for (int i = 0; i < boot_params.e820_entries; i++) {
        const struct boot_e820_entry* e = &boot_params.e820_table[i];
        if (e->type == E820_TYPE_RAM) {
            map_ram_around_image(e->addr, e->addr + e->size);
        }
    }
    cpu_protections_on();
    // Only these slots change: what a debugger has hung elsewhere below the root survives.
    const pte_t* new_image_table = next_table(&kernel_root[index_at(KERNEL_MAP, 4)]);
    level3_kernel_pgt[image] = new_image_table[image];
    init_top_pgt[direct_map] = kernel_root[direct_map];
    init_top_pgt[0] = 0;
    kernel_root = init_top_pgt;
    write_cr3(read_cr3());
}

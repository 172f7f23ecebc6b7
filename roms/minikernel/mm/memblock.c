// SPDX-License-Identifier: GPL-2.0-only
#include "mm/memblock.h"

#include "arch/bootparam.h"
#include "arch/sections.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/page.h"

#define LOW_MEMORY_END 0x100000UL  // the BIOS's; left alone

static phys_addr_t next_free;

phys_addr_t memblock_end(void) {
    if (next_free == 0) {
        next_free = __pa(_end);
    }
    return next_free;
}

static bool is_ram(phys_addr_t start, phys_addr_t end) {
    for (int i = 0; i < boot_params.e820_entries; i++) {
        const struct boot_e820_entry* e = &boot_params.e820_table[i];
        if (e->type == E820_TYPE_RAM && start >= e->addr && end <= e->addr + e->size) {
            return true;
        }
    }
    return false;
}

void* memblock_alloc(size_t bytes) {
    phys_addr_t start = memblock_end();
    phys_addr_t end = (start + bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (!is_ram(start, end)) {
        panic("memblock_alloc: no %zu bytes of RAM behind the kernel", bytes);
    }
    next_free = end;
    return memset(__va(start), 0, end - start);
}

// All but what the boot loader has put there for us; init/initramfs.c gives that back.
static void free_around_initrd(phys_addr_t start, phys_addr_t end) {
    phys_addr_t initrd = boot_params.ramdisk_image & ~(PAGE_SIZE - 1);
    phys_addr_t initrd_end = ((phys_addr_t)boot_params.ramdisk_image + boot_params.ramdisk_size +
                              PAGE_SIZE - 1) &
                             ~(PAGE_SIZE - 1);
    if (boot_params.ramdisk_size == 0) {
        initrd = initrd_end = end;
    }
    free_page_range(start, min(end, max(start, initrd)));
    free_page_range(min(end, max(start, initrd_end)), end);
}

void mem_init(void) {
    for (int i = 0; i < boot_params.e820_entries; i++) {
        const struct boot_e820_entry* e = &boot_params.e820_table[i];
        if (e->type == E820_TYPE_RAM) {
            max_pfn = max(max_pfn, (e->addr + e->size) >> PAGE_SHIFT);
        }
    }
    mem_map = memblock_alloc(max_pfn * sizeof(struct page));

    phys_addr_t used_start = __pa(_text);
    phys_addr_t used_end = memblock_end();
    for (int i = 0; i < boot_params.e820_entries; i++) {
        const struct boot_e820_entry* e = &boot_params.e820_table[i];
        if (e->type != E820_TYPE_RAM || e->addr + e->size <= LOW_MEMORY_END) {
            continue;
        }
        phys_addr_t start = max(e->addr, LOW_MEMORY_END);
        phys_addr_t end = e->addr + e->size;
        free_page_range(start, min(end, used_start));
        free_around_initrd(max(start, used_end), end);
    }
    printk("Memory: %luK/%luK available\n", nr_free_pages() << (PAGE_SHIFT - 10),
           max_pfn << (PAGE_SHIFT - 10));
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// The parts of Linux's struct boot_params that are used here (Documentation/x86/zero-page.rst).

#define E820_TYPE_RAM 1
#define E820_MAX_ENTRIES_ZEROPAGE 128

struct boot_e820_entry {
    u64 addr, size;
    u32 type;
} __packed;

struct boot_params {
    u8 pad0[0x1e8];
    u8 e820_entries;
    u8 pad1[0x218 - 0x1e9];
    u32 ramdisk_image, ramdisk_size;
    u8 pad3[0x228 - 0x220];
    u32 cmd_line_ptr;
    u8 pad2[0x2d0 - 0x22c];
    struct boot_e820_entry e820_table[E820_MAX_ENTRIES_ZEROPAGE];
} __packed;

static_assert(offsetof(struct boot_params, e820_entries) == 0x1e8, "boot protocol");
static_assert(offsetof(struct boot_params, cmd_line_ptr) == 0x228, "boot protocol");
static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "boot protocol");

#define COMMAND_LINE_SIZE 2048

extern struct boot_params boot_params;
extern char boot_command_line[COMMAND_LINE_SIZE];

/// Copies what the boot loader left at physical address `from` before anything can overwrite it.
void copy_bootdata(phys_addr_t from);
/// Prints the memory map.
void e820_print_table(void);

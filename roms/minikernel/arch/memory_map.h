// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// The virtual memory map (README.md has the picture). Also read by assembly and by kernel.lds.
#ifndef __ASSEMBLER__
#define UL(x) x##UL
#else
#define UL(x) x
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE (UL(1) << PAGE_SHIFT)
#define PMD_SIZE (UL(1) << 21)

// All RAM, readable and writable, never executable.
#define PAGE_OFFSET UL(0xffff888000000000)
// Kernel stacks, each with an unmapped guard below it.
#define VMALLOC_START UL(0xffffc90000000000)
// The registers of the local APIC.
#define APIC_BASE_ADDRESS UL(0xffffc90080000000)
// Where physical address 0 would be in the kernel image's own mapping.
#define KERNEL_MAP UL(0xffffffff80000000)
// The image is linked and loaded at this distance from there.
#define KERNEL_PHYS UL(0x1000000)

// Modules: as far from the image as a call reaches, and not where the host's probe window is.
#define MODULES_VADDR UL(0xffffffffa0000000)

#define THREAD_SIZE (4 * PAGE_SIZE)

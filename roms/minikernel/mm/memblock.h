// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Zeroed pages from right behind the kernel image, never given back; for the time before mem_init.
/// Panics when there is no RAM.
void* memblock_alloc(size_t bytes);
/// The end of what was allocated.
phys_addr_t memblock_end(void);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

#define KSYM_SYMBOL_LEN 160

/// The function that contains `addr` and where in it; NULL when it is none of ours.
const char* kallsyms_lookup(unsigned long addr, unsigned long* size, unsigned long* offset);
/// "vfs_open+0x1c/0x80", or the bare address. `buffer` holds KSYM_SYMBOL_LEN bytes. A return
/// address may lie just behind its function, when the call was the last thing in it.
int sprint_symbol(char* buffer, unsigned long address, bool is_return_address);

struct seq_file;
struct task_struct;
/// The whole table, in Linux's format.
void show_kallsyms(struct seq_file* m, struct task_struct* unused);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"

/// "When `insn` faults, go on at `fixup`": Linux's format, both relative to the field itself.
struct exception_table_entry {
    int insn, fixup, data;
};

#define EX_TYPE_DEFAULT 1

/// Inside an asm statement: a fault at label `from` continues at label `to`.
#define _ASM_EXTABLE(from, to)           \
    ".pushsection __ex_table, \"a\"\n\t" \
    ".balign 4\n\t"                      \
    ".long (" #from                      \
    ") - .\n\t"                          \
    ".long (" #to                        \
    ") - .\n\t"                          \
    ".long 1\n\t"                        \
    ".popsection\n\t"

/// The entry that covers the instruction at `address`, or NULL.
const struct exception_table_entry* search_exception_tables(unsigned long address);
/// Sends the trapped code to its fix-up; false when it has none.
bool fixup_exception(struct pt_regs* regs);

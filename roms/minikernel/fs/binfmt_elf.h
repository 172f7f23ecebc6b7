// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

struct file;

/// What execve knows of a new program (fs/exec.c).
struct linux_binprm {
    struct file* file;
    const char* filename;
    int argc, envc;
    // The strings, NUL after NUL: first the arguments, then the environment.
    char* strings;
    size_t used, size, env_at;
    unsigned long entry, phdr, base;
    u16 phnum;
};

/// Reads and checks the headers: 0, or -ENOEXEC. Nothing is changed yet.
int elf_check(struct linux_binprm* bprm);
/// Maps the program into the current, empty address space.
int load_elf_binary(struct linux_binprm* bprm);
/// Puts strings, vectors and the auxiliary vector on the new stack; the stack pointer, or 0.
unsigned long create_elf_tables(struct linux_binprm* bprm);

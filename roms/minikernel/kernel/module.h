// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/list.h"

// Code that joins the kernel while it runs. In a module's source:
//
//     static int __init_hello(void) { ... return 0; }
//     static void __exit_hello(void) { ... }
//     module_init(__init_hello)
//     module_exit(__exit_hello)
//     MODULE("hello")

#define MODULE_NAME_LEN 56
#define MAX_MODULE_USES 8

enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING };

struct kernel_symbol {
    unsigned long value;
    const char* name;
};

/// Where a module is: text, then what is only read, then the rest, each on pages of its own.
struct module_layout {
    unsigned long base;
    size_t text_size, ro_size, size;  // ro_size and size count from base on, too
};

struct module_ksym {
    unsigned long address, size;
    const char* name;
};

struct module {
    enum module_state state;
    struct list_head list;
    char name[MODULE_NAME_LEN];
    int (*init)(void);
    void (*exit)(void);
    int refcnt;  // who must be gone before it can go
    struct module_layout core_layout;
    const struct kernel_symbol* syms;  // what it exports
    unsigned int num_syms;
    const struct exception_table_entry* extable;
    unsigned int num_exentries;
    struct module_ksym* kallsyms;  // what lies where; its memory holds the names as well
    unsigned int num_kallsyms;
    struct module* uses[MAX_MODULE_USES];  // whose symbols it needs
    unsigned int num_uses;
};

/// Modules may use this symbol.
#define EXPORT_SYMBOL(symbol)                            \
    static const struct kernel_symbol __ksymtab_##symbol \
        __attribute__((section("__ksymtab"), used)) = {(unsigned long)&(symbol), #symbol}

#define module_init(function) int init_module(void) __attribute__((alias(#function)));
#define module_exit(function) void cleanup_module(void) __attribute__((alias(#function)));
#define MODULE(module_name)          \
    static const char modinfo_name[] \
        __attribute__((section(".modinfo"), used)) = "name=" module_name "\0license=GPL";

/// An ELF object's bytes become a module, not initialised yet; ERR_PTR with Linux's errors. With
/// module_mutex held (kernel/module_elf.c).
struct module* load_module(const char* image, size_t len);
/// Gives its memory back.
void free_module(struct module* mod);
/// The value of an exported symbol, 0 when there is none; `mod` is then held by its user.
unsigned long resolve_symbol(struct module* user, const char* name);

/// The module whose code or data `address` is in, or NULL. For any context: nothing is locked.
const struct module* module_address(unsigned long address);
/// The function of a module at `address`, as kallsyms_lookup.
const char* module_address_lookup(unsigned long address, unsigned long* size, unsigned long* offset,
                                  const char** modname);

struct seq_file;
struct task_struct;
void show_modules(struct seq_file* m, struct task_struct* unused);
void show_module_symbols(struct seq_file* m);

// mm/module_alloc.c
/// Zeroed memory near the kernel, writable; 0 when there is none.
unsigned long module_alloc(size_t size);
void module_memfree(unsigned long base, size_t size);
/// Takes away what its parts do not need. 0, or -ENOMEM.
int module_enable_protection(const struct module_layout* layout);

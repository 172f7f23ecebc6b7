// SPDX-License-Identifier: GPL-2.0-only
#include "arch/extable.h"
#include "kernel/elf.h"
#include "kernel/module.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

// From the bytes of a relocatable ELF object to code that can run. Nothing that the file says is
// believed: whatever leads outside of it, or of the memory it gets, is -ENOEXEC.

#define MAX_SECTIONS 512u
#define MAX_MODULE_BYTES (8UL << 20)

struct load_info {
    const char* image;
    size_t len;
    const struct elf64_hdr* hdr;
    const struct elf64_shdr* sechdrs;
    unsigned int sections;
    const struct elf64_sym* symbols;
    unsigned int num_symbols;
    const char *secstrings, *strtab;
    size_t strtab_size;
    unsigned long* address;  // of each section in memory; 0: it is not there
    struct module* mod;
};

static const void* section_data(const struct load_info* info, unsigned int i) {
    return info->image + info->sechdrs[i].sh_offset;
}

static bool check_header(struct load_info* info) {
    const struct elf64_hdr* hdr = info->hdr = (const struct elf64_hdr*)info->image;
    if (info->len < sizeof(*hdr) || memcmp(hdr->e_ident, "\177ELF\2\1\1", 7) != 0 ||
        hdr->e_type != ET_REL || hdr->e_machine != EM_X86_64 ||
        hdr->e_shentsize != sizeof(struct elf64_shdr) || hdr->e_shoff % 8 != 0) {
        return false;
    }
    info->sections = hdr->e_shnum;
    if (hdr->e_shnum == 0 || hdr->e_shnum > MAX_SECTIONS || hdr->e_shstrndx >= hdr->e_shnum ||
        hdr->e_shoff > info->len ||
        hdr->e_shnum * sizeof(struct elf64_shdr) > info->len - hdr->e_shoff) {
        return false;
    }
    info->sechdrs = (const struct elf64_shdr*)(info->image + hdr->e_shoff);
    return true;
}

// A table of strings that ends where it says.
static const char* string_table(const struct load_info* info, unsigned int i, size_t* size) {
    if (i >= info->sections || info->sechdrs[i].sh_type != SHT_STRTAB ||
        info->sechdrs[i].sh_size == 0) {
        return NULL;
    }
    const char* table = section_data(info, i);
    *size = info->sechdrs[i].sh_size;
    return table[*size - 1] == '\0' ? table : NULL;
}

static bool check_section(const struct load_info* info, const struct elf64_shdr* s) {
    u64 align = s->sh_addralign;
    return (s->sh_type == SHT_NOBITS || s->sh_type == SHT_NULL ||
            (s->sh_offset <= info->len && s->sh_size <= info->len - s->sh_offset)) &&
           (align & (align - 1)) == 0 && align <= PAGE_SIZE && s->sh_type != SHT_REL &&
           (!(s->sh_flags & SHF_ALLOC) || s->sh_size <= MAX_MODULE_BYTES);
}

static bool check_sections(struct load_info* info) {
    size_t names_size = 0;
    unsigned int symtab = 0;
    for (unsigned int i = 0; i < info->sections; i++) {
        if (!check_section(info, &info->sechdrs[i])) {
            return false;
        }
        if (info->sechdrs[i].sh_type == SHT_SYMTAB) {
            symtab = i;
        }
    }
    info->secstrings = string_table(info, info->hdr->e_shstrndx, &names_size);
    info->strtab = string_table(info, info->sechdrs[symtab].sh_link, &info->strtab_size);
    if (symtab == 0 || info->secstrings == NULL || info->strtab == NULL ||
        info->sechdrs[symtab].sh_offset % 8 != 0) {
        return false;
    }
    for (unsigned int i = 0; i < info->sections; i++) {
        if (info->sechdrs[i].sh_name >= names_size) {
            return false;
        }
    }
    info->symbols = section_data(info, symtab);
    info->num_symbols = (unsigned int)(info->sechdrs[symtab].sh_size / sizeof(*info->symbols));
    for (unsigned int i = 0; i < info->num_symbols; i++) {
        if (info->symbols[i].st_name >= info->strtab_size) {
            return false;
        }
    }
    return true;
}

static unsigned int find_section(const struct load_info* info, const char* name) {
    for (unsigned int i = 1; i < info->sections; i++) {
        if (strcmp(info->secstrings + info->sechdrs[i].sh_name, name) == 0) {
            return i;
        }
    }
    return 0;
}

// "name=hello" of the section .modinfo, whose strings follow each other.
static bool read_modinfo(const struct load_info* info) {
    unsigned int i = find_section(info, ".modinfo");
    const char* at = section_data(info, i);
    const char* end = at + info->sechdrs[i].sh_size;
    if (i == 0 || info->sechdrs[i].sh_type != SHT_PROGBITS || at == end || end[-1] != '\0') {
        return false;
    }
    for (; at < end; at += strlen(at) + 1) {
        if (strncmp(at, "name=", 5) == 0) {
            strscpy(info->mod->name, at + 5, sizeof(info->mod->name));
            return at[5] != '\0';
        }
    }
    return false;
}

// 0: text, 1: read only, 2: writable.
static int part_of(const struct elf64_shdr* s) {
    return s->sh_flags & SHF_EXECINSTR ? 0 : s->sh_flags & SHF_WRITE ? 2 : 1;
}

static size_t layout_part(struct load_info* info, int part, size_t offset) {
    for (unsigned int i = 1; i < info->sections; i++) {
        const struct elf64_shdr* s = &info->sechdrs[i];
        if ((s->sh_flags & SHF_ALLOC) && part_of(s) == part && offset <= MAX_MODULE_BYTES) {
            u64 align = max(s->sh_addralign, 1ULL);
            offset = (offset + align - 1) & ~(align - 1);
            info->address[i] = offset;
            offset += s->sh_size;
        }
    }
    return (offset + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static int move_module(struct load_info* info) {
    struct module_layout* layout = &info->mod->core_layout;
    layout->text_size = layout_part(info, 0, 0);
    layout->ro_size = layout_part(info, 1, layout->text_size);
    layout->size = layout_part(info, 2, layout->ro_size);
    if (layout->size > MAX_MODULE_BYTES || layout->size == 0) {
        return -ENOEXEC;
    }
    layout->base = module_alloc(layout->size);
    if (layout->base == 0) {
        return -ENOMEM;
    }
    for (unsigned int i = 1; i < info->sections; i++) {
        const struct elf64_shdr* s = &info->sechdrs[i];
        if (!(s->sh_flags & SHF_ALLOC)) {
            continue;
        }
        info->address[i] += layout->base;
        if (s->sh_type != SHT_NOBITS) {
            memcpy((void*)info->address[i], section_data(info, i), s->sh_size);
        }
    }
    return 0;
}

static int symbol_value(const struct load_info* info, unsigned int i, unsigned long* value) {
    const struct elf64_sym* sym = &info->symbols[i];
    const char* name = info->strtab + sym->st_name;
    switch (sym->st_shndx) {
        case SHN_ABS: *value = sym->st_value; return 0;
        case SHN_UNDEF:
            *value = i == 0 ? 0 : resolve_symbol(info->mod, name);
            if (*value == 0 && i != 0) {
                printk("%s: Unknown symbol %s\n", info->mod->name, name);
                return -ENOENT;
            }
            return 0;
        default:
            if (sym->st_shndx >= info->sections || info->address[sym->st_shndx] == 0 ||
                sym->st_value > info->sechdrs[sym->st_shndx].sh_size) {
                return -ENOEXEC;
            }
            *value = info->address[sym->st_shndx] + sym->st_value;
            return 0;
    }
}

static int apply_one(const struct load_info* info, unsigned int target,
                     const struct elf64_rela* rela) {
    u32 type = (u32)rela->r_info;
    u64 symbol = rela->r_info >> 32, size = info->sechdrs[target].sh_size;
    u64 width = type == R_X86_64_64 || type == R_X86_64_PC64 ? 8 : 4;
    unsigned long value;
    if (type == R_X86_64_NONE) {
        return 0;
    }
    if (symbol >= info->num_symbols || size < width || rela->r_offset > size - width) {
        return -ENOEXEC;
    }
    int error = symbol_value(info, (unsigned int)symbol, &value);
    if (error != 0) {
        return error;
    }
    char* place = (char*)info->address[target] + rela->r_offset;
    value += (unsigned long)rela->r_addend;
    switch (type) {
        case R_X86_64_64: break;
        case R_X86_64_PC64: value -= (unsigned long)place; break;
        case R_X86_64_PC32:
        case R_X86_64_PLT32: value -= (unsigned long)place;  // fallthrough
        case R_X86_64_32S:
            if ((long)value != (int)value) {
                return -ENOEXEC;
            }
            break;
        case R_X86_64_32:
            if (value != (u32)value) {
                return -ENOEXEC;
            }
            break;
        default:
            printk("%s: Unknown rela relocation: %u\n", info->mod->name, type);
            return -ENOEXEC;
    }
    memcpy(place, &value, width);
    return 0;
}

static int apply_relocations(const struct load_info* info) {
    for (unsigned int i = 1; i < info->sections; i++) {
        const struct elf64_shdr* s = &info->sechdrs[i];
        // Those of what is not loaded, as debug information, do not matter.
        if (s->sh_type != SHT_RELA || s->sh_info >= info->sections ||
            info->address[s->sh_info] == 0) {
            continue;
        }
        if (s->sh_offset % 8 != 0) {
            return -ENOEXEC;
        }
        const struct elf64_rela* rela = section_data(info, i);
        for (u64 n = 0; n < s->sh_size / sizeof(*rela); n++) {
            int error = apply_one(info, s->sh_info, &rela[n]);
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

static bool is_in_module(const struct load_info* info, const struct elf64_sym* sym) {
    unsigned int type = sym->st_info & 15u;
    return (type == STT_FUNC || type == STT_OBJECT) && sym->st_shndx != SHN_UNDEF &&
           sym->st_shndx < info->sections && info->address[sym->st_shndx] != 0;
}

// The names of what is in the module, for as long as it lives.
static int keep_symbols(const struct load_info* info) {
    struct module* mod = info->mod;
    unsigned int count = 0;
    for (unsigned int i = 0; i < info->num_symbols; i++) {
        count += is_in_module(info, &info->symbols[i]);
    }
    mod->kallsyms = kmalloc(count * sizeof(*mod->kallsyms) + info->strtab_size, GFP_KERNEL);
    if (mod->kallsyms == NULL) {
        return -ENOMEM;
    }
    char* names = (char*)(mod->kallsyms + count);
    memcpy(names, info->strtab, info->strtab_size);
    for (unsigned int i = 0; i < info->num_symbols; i++) {
        const struct elf64_sym* sym = &info->symbols[i];
        if (is_in_module(info, sym)) {
            mod->kallsyms[mod->num_kallsyms++] = (struct module_ksym){
                info->address[sym->st_shndx] + sym->st_value, sym->st_size, names + sym->st_name};
        }
    }
    return 0;
}

static unsigned long find_own_symbol(const struct module* mod, const char* name) {
    for (unsigned int i = 0; i < mod->num_kallsyms; i++) {
        if (strcmp(mod->kallsyms[i].name, name) == 0) {
            return mod->kallsyms[i].address;
        }
    }
    return 0;
}

static bool names_are_inside(const struct module* mod) {
    for (unsigned int i = 0; i < mod->num_syms; i++) {
        if ((unsigned long)mod->syms[i].name - mod->core_layout.base >= mod->core_layout.ro_size) {
            return false;
        }
    }
    return true;
}

static void find_tables(const struct load_info* info) {
    struct module* mod = info->mod;
    unsigned int i = find_section(info, "__ksymtab"), ex = find_section(info, "__ex_table");
    if (i != 0 && info->address[i] != 0) {
        mod->syms = (const struct kernel_symbol*)info->address[i];
        mod->num_syms = (unsigned int)(info->sechdrs[i].sh_size / sizeof(*mod->syms));
    }
    if (ex != 0 && info->address[ex] != 0) {
        mod->extable = (const struct exception_table_entry*)info->address[ex];
        mod->num_exentries = (unsigned int)(info->sechdrs[ex].sh_size / sizeof(*mod->extable));
    }
    mod->init = (int (*)(void))find_own_symbol(mod, "init_module");
    mod->exit = (void (*)(void))find_own_symbol(mod, "cleanup_module");
}

static int build_module(struct load_info* info) {
    int error = move_module(info);
    if (error == 0) {
        error = apply_relocations(info);
    }
    if (error == 0) {
        error = keep_symbols(info);
    }
    if (error == 0) {
        find_tables(info);
        error = names_are_inside(info->mod) ? module_enable_protection(&info->mod->core_layout)
                                            : -ENOEXEC;
    }
    return error;
}

struct module* load_module(const char* image, size_t len) {
    struct load_info info = {.image = image, .len = len};
    if (!check_header(&info) || !check_sections(&info)) {
        return ERR_PTR(-ENOEXEC);
    }
    info.mod = kmalloc(sizeof(*info.mod), GFP_KERNEL | __GFP_ZERO);
    info.address = kmalloc(info.sections * sizeof(*info.address), GFP_KERNEL | __GFP_ZERO);
    if (info.mod == NULL || info.address == NULL) {
        kfree(info.mod);
        kfree(info.address);
        return ERR_PTR(-ENOMEM);
    }
    info.mod->state = MODULE_STATE_COMING;
    INIT_LIST_HEAD(&info.mod->list);
    int error = read_modinfo(&info) ? build_module(&info) : -ENOEXEC;
    kfree(info.address);
    if (error != 0) {
        free_module(info.mod);
        return ERR_PTR(error);
    }
    return info.mod;
}

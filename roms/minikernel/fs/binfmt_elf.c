// SPDX-License-Identifier: GPL-2.0-only
#include "fs/binfmt_elf.h"

#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/elf.h"
#include "lib/string.h"
#include "mm/mm_types.h"
#include "mm/slab.h"

// Static ELF64 programs, at fixed addresses or position-independent.

#define MAX_PHNUM 64
#define ELF_ET_DYN_BASE 0x555555554000UL
#define STACK_TOP TASK_SIZE
#define STACK_FIRST_BYTES (132UL << 10)

static int read_headers(struct file* file, struct elf64_hdr* hdr, struct elf64_phdr** phdrs) {
    *phdrs = NULL;
    if (kernel_read(file, hdr, sizeof(*hdr), 0) != sizeof(*hdr) ||
        memcmp(hdr->e_ident, "\177ELF\2\1", 6) != 0 ||
        (hdr->e_type != ET_EXEC && hdr->e_type != ET_DYN) || hdr->e_machine != EM_X86_64 ||
        hdr->e_phentsize != sizeof(struct elf64_phdr) || hdr->e_phnum == 0 ||
        hdr->e_phnum > MAX_PHNUM || hdr->e_phoff > (1UL << 40)) {
        return -ENOEXEC;
    }
    size_t bytes = hdr->e_phnum * sizeof(**phdrs);
    struct elf64_phdr* table = kmalloc(bytes, GFP_KERNEL);
    if (table == NULL) {
        return -ENOMEM;
    }
    if (kernel_read(file, table, bytes, (loff_t)hdr->e_phoff) != (ssize_t)bytes) {
        kfree(table);
        return -ENOEXEC;
    }
    *phdrs = table;
    return 0;
}

static bool good_segment(const struct elf64_phdr* p) {
    return p->p_filesz <= p->p_memsz && p->p_vaddr < TASK_SIZE && p->p_memsz < TASK_SIZE &&
           p->p_vaddr + p->p_memsz < TASK_SIZE && p->p_offset < (1UL << 40) &&
           p->p_vaddr % PAGE_SIZE == p->p_offset % PAGE_SIZE;
}

int elf_check(struct linux_binprm* bprm) {
    struct elf64_hdr hdr;
    struct elf64_phdr* phdrs;
    int error = read_headers(bprm->file, &hdr, &phdrs);
    bool loads = false;
    for (int i = 0; error == 0 && i < hdr.e_phnum; i++) {
        if (phdrs[i].p_type == PT_INTERP) {
            error = -ENOEXEC;  // there is no dynamic loader here
        } else if (phdrs[i].p_type == PT_LOAD) {
            loads = true;
            error = good_segment(&phdrs[i]) ? 0 : -ENOEXEC;
        }
    }
    kfree(phdrs);
    return error == 0 && !loads ? -ENOEXEC : error;
}

static unsigned long prot_of(u32 p_flags) {
    return (p_flags & PF_R ? PROT_READ : 0) | (p_flags & PF_W ? PROT_WRITE : 0) |
           (p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_segment(struct file* file, const struct elf64_phdr* p, unsigned long bias) {
    unsigned long start = (bias + p->p_vaddr) & PAGE_MASK;
    unsigned long file_end = bias + p->p_vaddr + p->p_filesz;
    unsigned long mem_end = PAGE_ALIGN(bias + p->p_vaddr + p->p_memsz);
    if (p->p_filesz > 0) {
        unsigned long at = vm_mmap(file, start, file_end - start, prot_of(p->p_flags),
                                   MAP_PRIVATE | MAP_FIXED, p->p_offset / PAGE_SIZE);
        if (at >= (unsigned long)-MAX_ERRNO) {
            return (int)at;
        }
        start = PAGE_ALIGN(file_end);
    }
    if (mem_end > start && vm_brk_flags(start, mem_end - start, prot_of(p->p_flags)) != 0) {
        return -ENOMEM;
    }
    // The rest of the file's last page belongs to the bss.
    if (p->p_memsz > p->p_filesz && p->p_filesz > 0 && file_end % PAGE_SIZE != 0 &&
        (p->p_flags & PF_W) && clear_user((void*)file_end, PAGE_ALIGN(file_end) - file_end) != 0) {
        return -EFAULT;
    }
    return 0;
}

static void note_segment(struct mm_struct* mm, const struct elf64_phdr* p, unsigned long bias) {
    unsigned long start = bias + p->p_vaddr;
    if (p->p_flags & PF_X) {
        mm->start_code = mm->start_code == 0 ? start : min(mm->start_code, start);
        mm->end_code = max(mm->end_code, start + p->p_filesz);
    } else {
        mm->start_data = max(mm->start_data, start);
        mm->end_data = max(mm->end_data, start + p->p_filesz);
    }
    mm->brk = max(mm->brk, PAGE_ALIGN(start + p->p_memsz));
}

static int setup_stack(struct mm_struct* mm) {
    unsigned long at = vm_mmap(NULL, STACK_TOP - STACK_FIRST_BYTES, STACK_FIRST_BYTES,
                               PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, 0);
    mm->start_stack = STACK_TOP;
    return at >= (unsigned long)-MAX_ERRNO ? (int)at : 0;
}

int load_elf_binary(struct linux_binprm* bprm) {
    struct mm_struct* mm = current->mm;
    struct elf64_hdr hdr;
    struct elf64_phdr* phdrs;
    int error = read_headers(bprm->file, &hdr, &phdrs);
    unsigned long bias = hdr.e_type == ET_DYN ? ELF_ET_DYN_BASE : 0;
    bool first = true;
    for (int i = 0; error == 0 && i < hdr.e_phnum; i++) {
        const struct elf64_phdr* p = &phdrs[i];
        if (p->p_type != PT_LOAD || p->p_memsz == 0) {
            continue;
        }
        error = map_segment(bprm->file, p, bias);
        note_segment(mm, p, bias);
        if (first) {
            bprm->phdr = bias + p->p_vaddr - p->p_offset + hdr.e_phoff;
            first = false;
        }
    }
    kfree(phdrs);
    mm->start_brk = mm->brk;
    bprm->entry = bias + hdr.e_entry;
    bprm->phnum = hdr.e_phnum;
    if (error == 0 && bprm->entry >= TASK_SIZE) {
        error = -ENOEXEC;
    }
    return error == 0 ? setup_stack(mm) : error;
}

enum {
    AT_NULL,
    AT_PHDR = 3,
    AT_PHENT,
    AT_PHNUM,
    AT_PAGESZ,
    AT_BASE,
    AT_FLAGS,
    AT_ENTRY,
    AT_UID = 11,
    AT_EUID,
    AT_GID,
    AT_EGID,
    AT_HWCAP = 16,
    AT_CLKTCK,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_EXECFN = 31,
};

static int put_vector(unsigned long __user** at, unsigned long* string, int count) {
    for (int i = 0; i < count; i++) {
        if (put_user(*string, (*at)++) != 0) {
            return -EFAULT;
        }
        char c = 1;
        while (c != '\0') {
            if (get_user(c, (char __user*)*string) != 0) {
                return -EFAULT;
            }
            (*string)++;
        }
    }
    return put_user(0UL, (*at)++);
}

unsigned long create_elf_tables(struct linux_binprm* bprm) {
    struct mm_struct* mm = current->mm;
    static const u8 random[16] = {0x54, 0x72, 0x61, 0x70, 0x67, 0x61, 0x74, 0x65,
                                  0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15};
    size_t name_bytes = strlen(bprm->filename) + 1;
    unsigned long execfn = STACK_TOP - 8 - name_bytes;
    unsigned long strings = execfn - bprm->used;
    unsigned long random_at = (strings - sizeof(random)) & ~15UL;
    const unsigned long auxv[][2] = {
        {AT_HWCAP, cpuid(1).edx},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_CLKTCK, 100},
        {AT_PHDR, bprm->phdr},
        {AT_PHENT, sizeof(struct elf64_phdr)},
        {AT_PHNUM, bprm->phnum},
        {AT_BASE, 0},
        {AT_FLAGS, 0},
        {AT_ENTRY, bprm->entry},
        {AT_UID, 0},
        {AT_EUID, 0},
        {AT_GID, 0},
        {AT_EGID, 0},
        {AT_SECURE, 0},
        {AT_RANDOM, random_at},
        {AT_EXECFN, execfn},
        {AT_NULL, 0},
    };
    size_t words = 1 + (size_t)bprm->argc + 1 + (size_t)bprm->envc + 1;
    unsigned long sp = (random_at - words * 8 - sizeof(auxv)) & ~15UL;
    unsigned long __user* at = (unsigned long __user*)sp;
    if (copy_to_user((void*)execfn, bprm->filename, name_bytes) != 0 ||
        copy_to_user((void*)strings, bprm->strings, bprm->used) != 0 ||
        copy_to_user((void*)random_at, random, sizeof(random)) != 0 ||
        put_user((unsigned long)bprm->argc, at++) != 0) {
        return 0;
    }
    mm->arg_start = strings;
    if (put_vector(&at, &strings, bprm->argc) != 0) {
        return 0;
    }
    mm->arg_end = mm->env_start = strings;
    if (put_vector(&at, &strings, bprm->envc) != 0 || copy_to_user(at, auxv, sizeof(auxv)) != 0) {
        return 0;
    }
    mm->env_end = strings;
    return sp;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/memory_map.h"
#include "arch/uaccess.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm_types.h"
#include "mm/page.h"
#include "mm/tlb.h"

// The user half of the page tables: pages come when they are touched, and a page that several
// address spaces share privately is copied when one of them writes to it.

static pte_t pgprot(const struct vm_area_struct* vma) {
    if (!(vma->vm_flags & VM_ACCESS)) {
        return _PAGE_PROTNONE | _PAGE_USER | _PAGE_NX;
    }
    return _PAGE_PRESENT | _PAGE_USER | (vma->vm_flags & VM_EXEC ? 0 : _PAGE_NX);
}

static bool pte_none(pte_t pte) { return !(pte & (_PAGE_PRESENT | _PAGE_PROTNONE)); }

static struct page* pte_page(pte_t pte) { return pfn_to_page((pte & PTE_PFN_MASK) >> PAGE_SHIFT); }

static pte_t mk_pte(const struct page* page, pte_t prot) {
    return (pte_t)page_to_pfn(page) << PAGE_SHIFT | prot;
}

static pte_t* walk(pte_t* table, unsigned long address, bool alloc) {
    for (int level = 4; level > 1; level--) {
        pte_t* entry = &table[address >> (PAGE_SHIFT + 9 * (level - 1)) & 511];
        if (!(*entry & _PAGE_PRESENT)) {
            unsigned long page = alloc ? __get_free_pages(GFP_USER | __GFP_ZERO, 0) : 0;
            if (page == 0) {
                return NULL;
            }
            *entry = __pa((void*)page) | _PAGE_PRESENT | _PAGE_RW | _PAGE_USER;
        }
        table = __va(*entry & PTE_PFN_MASK);
    }
    return &table[address >> PAGE_SHIFT & 511];
}

static int do_anonymous_page(struct vm_area_struct* vma, pte_t* ptep) {
    struct page* page = alloc_pages(GFP_USER | __GFP_ZERO, 0);
    if (page == NULL) {
        return VM_FAULT_OOM;
    }
    vma->vm_mm->rss++;
    *ptep = mk_pte(page, pgprot(vma) | (vma->vm_flags & VM_WRITE ? _PAGE_RW : 0));
    return 0;
}

static struct page* copy_of(const struct page* page) {
    struct page* copy = alloc_pages(GFP_USER, 0);
    if (copy != NULL) {
        memcpy(page_address(copy), page_address(page), PAGE_SIZE);
    }
    return copy;
}

// The file's own page; a private mapping that writes gets a copy at once.
static int do_fault(struct vm_area_struct* vma, unsigned long address, pte_t* ptep, bool write) {
    struct inode* inode = vma->vm_file->f_inode;
    unsigned long index = vma->vm_pgoff + (address - vma->vm_start) / PAGE_SIZE;
    if (inode->i_op == NULL || inode->i_op->get_page == NULL) {
        return VM_FAULT_SIGBUS;
    }
    struct page* page = inode->i_op->get_page(inode, index);
    if (IS_ERR(page)) {
        return PTR_ERR(page) == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
    }
    pte_t prot = pgprot(vma);
    if (vma->vm_flags & VM_SHARED) {
        prot |= vma->vm_flags & VM_WRITE ? _PAGE_RW : 0;
    } else if (write) {
        struct page* copy = copy_of(page);
        put_page(page);
        if (copy == NULL) {
            return VM_FAULT_OOM;
        }
        page = copy;
        prot |= _PAGE_RW;
    }
    vma->vm_mm->rss++;
    *ptep = mk_pte(page, prot);
    return 0;
}

static int do_wp_page(struct vm_area_struct* vma, unsigned long address, pte_t* ptep) {
    struct page* page = pte_page(*ptep);
    if (!(vma->vm_flags & VM_SHARED) && READ_ONCE(page->_refcount) > 1) {
        struct page* copy = copy_of(page);
        if (copy == NULL) {
            return VM_FAULT_OOM;
        }
        *ptep = mk_pte(copy, pgprot(vma) | _PAGE_RW);
        flush_tlb_range(vma->vm_mm, address, address + PAGE_SIZE);
        put_page(page);
        return 0;
    }
    *ptep |= _PAGE_RW;
    return 0;
}

int handle_mm_fault(struct vm_area_struct* vma, unsigned long address, unsigned int flags) {
    address &= PAGE_MASK;
    bool write = flags & FAULT_FLAG_WRITE;
    pte_t* ptep = walk(vma->vm_mm->pgd, address, true);
    if (ptep == NULL) {
        return VM_FAULT_OOM;
    }
    if (pte_none(*ptep)) {
        return vma->vm_file != NULL ? do_fault(vma, address, ptep, write)
                                    : do_anonymous_page(vma, ptep);
    }
    if (write && !(*ptep & _PAGE_RW)) {
        return do_wp_page(vma, address, ptep);
    }
    return 0;
}

// The next page in [*address, end) that is there. What no table exists for is stepped over at once,
// however large it is.
static pte_t* next_pte(pte_t* pgd, unsigned long* address, unsigned long end) {
    while (*address < end) {
        pte_t* table = pgd;
        int shift = PAGE_SHIFT + 9 * 3;
        pte_t* entry = &table[*address >> shift & 511];
        while (shift > PAGE_SHIFT && (*entry & _PAGE_PRESENT)) {
            table = __va(*entry & PTE_PFN_MASK);
            shift -= 9;
            entry = &table[*address >> shift & 511];
        }
        if (shift == PAGE_SHIFT && !pte_none(*entry)) {
            return entry;
        }
        *address = ((*address >> shift) + 1) << shift;
    }
    return NULL;
}

#define for_each_pte(ptep, pgd, address, start, end) \
    for (address = (start); ((ptep) = next_pte(pgd, &address, end)) != NULL; address += PAGE_SIZE)

int copy_page_range(struct vm_area_struct* dst, struct vm_area_struct* src) {
    pte_t* from;
    unsigned long address;
    for_each_pte(from, src->vm_mm->pgd, address, src->vm_start, src->vm_end) {
        pte_t* to = walk(dst->vm_mm->pgd, address, true);
        if (to == NULL) {
            return -ENOMEM;
        }
        if (!(src->vm_flags & VM_SHARED)) {
            *from &= ~_PAGE_RW;
        }
        get_page(pte_page(*from));
        dst->vm_mm->rss++;
        *to = *from;
    }
    return 0;
}

// Pages on their way out: they may be used for something else once no CPU knows them any more.
struct mmu_gather {
    struct mm_struct* mm;
    unsigned long start;  // of the range that the pages are from
    unsigned int nr;
    struct page* pages[32];
};

static void tlb_flush_mmu(struct mmu_gather* tlb, unsigned long end) {
    if (tlb->nr > 0) {
        flush_tlb_range(tlb->mm, tlb->start, end);
    }
    for (unsigned int i = 0; i < tlb->nr; i++) {
        put_page(tlb->pages[i]);
    }
    tlb->nr = 0;
}

void unmap_page_range(struct mm_struct* mm, unsigned long start, unsigned long end) {
    struct mmu_gather tlb = {.mm = mm};
    pte_t* ptep;
    unsigned long address;
    for_each_pte(ptep, mm->pgd, address, start, end) {
        if (tlb.nr == 0) {
            tlb.start = address;
        }
        tlb.pages[tlb.nr++] = pte_page(*ptep);
        *ptep = 0;
        mm->rss--;
        if (tlb.nr == ARRAY_SIZE(tlb.pages)) {
            tlb_flush_mmu(&tlb, address + PAGE_SIZE);
        }
    }
    tlb_flush_mmu(&tlb, end);
}

int move_page_range(struct mm_struct* mm, unsigned long from, unsigned long to, unsigned long len) {
    pte_t* ptep;
    unsigned long address;
    for_each_pte(ptep, mm->pgd, address, from, from + len) {
        if (walk(mm->pgd, address - from + to, true) == NULL) {
            return -ENOMEM;
        }
    }
    for_each_pte(ptep, mm->pgd, address, from, from + len) {
        *walk(mm->pgd, address - from + to, false) = *ptep;
        *ptep = 0;
    }
    flush_tlb_range(mm, from, from + len);
    return 0;
}

void change_protection(struct vm_area_struct* vma, unsigned long start, unsigned long end) {
    pte_t* ptep;
    unsigned long address;
    for_each_pte(ptep, vma->vm_mm->pgd, address, start, end) {
        bool shared = (vma->vm_flags & VM_SHARED) && (vma->vm_flags & VM_WRITE);
        // A private page becomes writable by a fault, which knows whether to copy it.
        *ptep = mk_pte(pte_page(*ptep), pgprot(vma) | (shared ? _PAGE_RW : 0));
    }
    flush_tlb_range(vma->vm_mm, start, end);
}

pte_t* pgd_alloc(void) {
    pte_t* pgd = (pte_t*)__get_free_pages(GFP_USER | __GFP_ZERO, 0);
    if (pgd != NULL) {
        memcpy(pgd + 256, init_top_pgt + 256, 256 * sizeof(*pgd));
    }
    return pgd;
}

static void free_tables(pte_t* table, int level, int entries) {
    for (int i = 0; i < entries; i++) {
        if (table[i] & _PAGE_PRESENT) {
            pte_t* below = __va(table[i] & PTE_PFN_MASK);
            if (level > 2) {
                free_tables(below, level - 1, 512);
            }
            free_pages((unsigned long)below, 0);
        }
    }
}

void pgd_free(pte_t* pgd) {
    free_tables(pgd, 4, 256);
    free_pages((unsigned long)pgd, 0);
}

struct page* follow_page(struct mm_struct* mm, unsigned long address) {
    pte_t* ptep = walk(mm->pgd, address, false);
    if (ptep == NULL || pte_none(*ptep)) {
        return NULL;
    }
    struct page* page = pte_page(*ptep);
    get_page(page);
    return page;
}

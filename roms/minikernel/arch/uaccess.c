// SPDX-License-Identifier: GPL-2.0-only
#include "arch/uaccess.h"

#include "arch/extable.h"

static unsigned long copy_user_generic(void* to, const void* from, size_t n) {
    size_t left = n / 8;
    // A fault leaves RCX at what was not copied: words in the first loop, bytes in the second.
    __asm__ volatile(
        "1: rep movsq\n\t"
        "movq %3, %%rcx\n"
        "2: rep movsb\n\t"
        "jmp 4f\n"
        "3: leaq (%3, %%rcx, 8), %%rcx\n"
        "4:\n\t" _ASM_EXTABLE(1b, 3b) _ASM_EXTABLE(2b, 4b)
        : "+c"(left), "+D"(to), "+S"(from)
        : "r"(n % 8)
        : "memory");
    return left;
}

unsigned long copy_to_user(void __user* to, const void* from, size_t n) {
    return access_ok(to, n) ? copy_user_generic(to, from, n) : n;
}

unsigned long copy_from_user(void* to, const void __user* from, size_t n) {
    return access_ok(from, n) ? copy_user_generic(to, from, n) : n;
}

unsigned long clear_user(void __user* to, size_t n) {
    if (!access_ok(to, n)) {
        return n;
    }
    __asm__ volatile(
        "1: rep stosb\n"
        "2:\n\t" _ASM_EXTABLE(1b, 2b)
        : "+c"(n), "+D"(to)
        : "a"(0)
        : "memory");
    return n;
}

long strncpy_from_user(char* dst, const char __user* src, long count) {
    for (long i = 0; i < count; i++) {
        if (copy_from_user(dst + i, src + i, 1) != 0) {
            return -EFAULT;
        }
        if (dst[i] == '\0') {
            return i;
        }
    }
    return count;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "mm/maccess.h"

#include "arch/extable.h"
#include "lib/errno.h"

long copy_from_kernel_nofault(void* dst, const void* src, size_t size) {
    // A fault leaves RCX at what was not copied.
    __asm__ volatile(
        "1: rep movsb\n"
        "2:\n\t" _ASM_EXTABLE(1b, 2b)
        : "+c"(size), "+D"(dst), "+S"(src)
        :
        : "memory");
    return size == 0 ? 0 : -EFAULT;
}

long strncpy_from_kernel_nofault(char* dst, const void* unsafe_addr, long count) {
    const char* from = unsafe_addr;
    for (long i = 0; i < count; i++) {
        if (copy_from_kernel_nofault(dst + i, from + i, 1) != 0) {
            dst[0] = '\0';
            return -EFAULT;
        }
        if (dst[i] == '\0') {
            return i + 1;
        }
    }
    dst[count - 1] = '\0';
    return count;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "lib/string.h"

#include "lib/errno.h"

// gcc calls memset, memcpy, memmove and memcmp on its own even in a freestanding program.

void* memset(void* to, int byte, size_t n) {
    void* p = to;
    size_t words = n / 8;
    size_t rest = n % 8;
    unsigned long pattern = 0x0101010101010101UL * (u8)byte;
    __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(p), "+c"(rest) : "a"(pattern) : "memory");
    return to;
}

void* memcpy(void* restrict to, const void* restrict from, size_t n) {
    void* p = to;
    size_t words = n / 8;
    size_t rest = n % 8;
    __asm__ volatile("rep movsq" : "+D"(p), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(rest) : : "memory");
    return to;
}

void* memmove(void* to, const void* from, size_t n) {
    u8* d = to;
    const u8* s = from;
    if (d <= s || d >= s + n) {
        return memcpy(to, from, n);
    }
    while (n-- > 0) {
        d[n] = s[n];
    }
    return to;
}

int memcmp(const void* a, const void* b, size_t n) {
    const u8* x = a;
    const u8* y = b;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i]) {
            return x[i] - y[i];
        }
    }
    return 0;
}

size_t strlen(const char* s) {
    size_t n = 0;
    while (s[n] != '\0') {
        n++;
    }
    return n;
}

int strcmp(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

int strncmp(const char* a, const char* b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i] || a[i] == '\0') {
            return (u8)a[i] - (u8)b[i];
        }
    }
    return 0;
}

char* strchr(const char* s, int c) {
    for (; *s != (char)c; s++) {
        if (*s == '\0') {
            return NULL;
        }
    }
    return (char*)s;
}

size_t strscpy(char* to, const char* from, size_t size) {
    size_t n = 0;
    while (n + 1 < size && from[n] != '\0') {
        to[n] = from[n];
        n++;
    }
    to[n] = '\0';
    return n;
}

int kstrtouint(const char* s, unsigned int* result) {
    u64 value = 0;
    if (*s == '\0') {
        return -EINVAL;
    }
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9') {
            return -EINVAL;
        }
        value = value * 10 + (u64)(*s - '0');
        if (value > 0xffffffffu) {
            return -EINVAL;
        }
    }
    *result = (unsigned int)value;
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

void* memset(void* to, int byte, size_t n);
void* memcpy(void* restrict to, const void* restrict from, size_t n);
void* memmove(void* to, const void* from, size_t n);
int memcmp(const void* a, const void* b, size_t n);

size_t strlen(const char* s);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t n);
char* strchr(const char* s, int c);

/// Copies at most size - 1 bytes and always ends with NUL. Returns the length copied.
size_t strscpy(char* to, const char* from, size_t size);
/// An unsigned decimal number; -EINVAL when `s` is anything else.
int kstrtouint(const char* s, unsigned int* result);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <stdarg.h>

#include "lib/types.h"

/// The kernel's printf: flags - and 0, width, precision (of %s), length l, ll, z, and %d %i %u %x
/// %c %s %%, %p (16 hex digits), %pS (symbol+offset/size) and %pB (the same for a return address).
/// Returns what the whole text would take; always ends with NUL.
int vsnprintf(char* buf, size_t size, const char* fmt, va_list args);
int snprintf(char* buf, size_t size, const char* fmt, ...) __printf(3, 4);

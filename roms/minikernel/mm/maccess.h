// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Copies from an address that may be bad: 0, or -EFAULT.
long copy_from_kernel_nofault(void* dst, const void* src, size_t size);
/// Copies a string of at most count - 1 characters; dst always ends with NUL. Its length with the
/// NUL, or -EFAULT.
long strncpy_from_kernel_nofault(char* dst, const void* unsafe_addr, long count);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Pseudo-random bytes: the same in every run. `count`, or -EFAULT.
ssize_t get_random_bytes_user(void __user* to, size_t count);

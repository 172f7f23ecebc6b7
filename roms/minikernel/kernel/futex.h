// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Wakes at most `nr` tasks that wait at this address with a common bit in `bitset`; how many.
int do_futex_wake(unsigned long uaddr, int nr, u32 bitset);

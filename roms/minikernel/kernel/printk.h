// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Formats to the console (lib/vsprintf.h); each line starts with the time. Any context.
int _printk(const char* fmt, ...) __printf(1, 2);
#define printk(...) _printk(__VA_ARGS__)

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Formats to the console (lib/vsprintf.h); each line starts with the time. Any context.
int _printk(const char* fmt, ...) __printf(1, 2);
/// Everything is printed from now on, whatever the command line said.
void console_verbose(void);
extern int console_loglevel;
#define printk(...) _printk(__VA_ARGS__)

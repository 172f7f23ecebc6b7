// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

void serial8250_init(void);
void serial_putchar(char c);
/// Waits until the bytes are with the UART; a newline goes out as CR LF.
void console_write(const char* s, size_t count);

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// "where: what", a backtrace, and the end of the run with status 255.
void panic(const char* fmt, ...) __noreturn __printf(1, 2);
/// The same for a trap whose registers and backtrace are already on the console.
void panic_after_oops(const char* text) __noreturn;

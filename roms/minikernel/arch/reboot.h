// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Ends the run with an exit status through the machine's debug-exit port; 0 is success, 255 a
/// panic.
void debug_exit(u32 status) __noreturn;
/// Resets the machine through the keyboard controller.
void machine_restart(void) __noreturn;
/// Stops for ever with interrupts off.
void stop_this_cpu(void) __noreturn;
/// A fault with no IDT to deliver it: the CPU shuts down.
void triple_fault(void) __noreturn;

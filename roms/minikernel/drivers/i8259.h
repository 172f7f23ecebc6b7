// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// Sends the 16 lines to vectors first_vector.. and masks them all.
void init_8259A(u8 first_vector);
void i8259_unmask(int irq);
/// Tells the controller that `irq` has been served.
void i8259_eoi(int irq);
/// Lines 7 and 15 are also what a controller reports for a request that went away.
bool i8259_is_spurious(int irq);

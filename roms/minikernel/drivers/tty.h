// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// The console's terminal: listens to the UART from now on.
void tty_init(void);
/// A byte has come in. Interrupt context.
void tty_receive(u8 c);

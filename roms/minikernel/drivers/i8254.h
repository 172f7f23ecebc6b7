// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Interrupts `hz` times a second on line 0. `hz` is from 19 to 1193182.
void pit_set_periodic(unsigned int hz);

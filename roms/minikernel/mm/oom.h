// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// There is no page for a fault of the current task: makes room. False: try again; true: it is the
/// current task that has to die.
bool pagefault_out_of_memory(void);

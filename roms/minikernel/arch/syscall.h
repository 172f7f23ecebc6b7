// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"

/// Switches SYSCALL and the FPU on.
void syscall_init(void);
/// What is left to do before user mode: switch tasks, run signal handlers. Leaves interrupts off.
void syscall_exit_to_user_mode(struct pt_regs* regs);

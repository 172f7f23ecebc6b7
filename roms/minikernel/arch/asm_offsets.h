// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Places in C structures that assembly needs; arch/process.c checks them.
#define TASK_THREAD_SP 24

// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// What entry.S pushes, lowest address first; Linux's layout and names, which BPF programs know as
/// PT_REGS_*.
struct pt_regs {
    unsigned long r15;
    unsigned long r14;
    unsigned long r13;
    unsigned long r12;
    unsigned long bp;
    unsigned long bx;
    unsigned long r11;
    unsigned long r10;
    unsigned long r9;
    unsigned long r8;
    unsigned long ax;
    unsigned long cx;
    unsigned long dx;
    unsigned long si;
    unsigned long di;
    unsigned long orig_ax;
    unsigned long ip;
    unsigned long cs;
    unsigned long flags;
    unsigned long sp;
    unsigned long ss;
};

static inline int user_mode(const struct pt_regs* regs) { return (regs->cs & 3) == 3; }

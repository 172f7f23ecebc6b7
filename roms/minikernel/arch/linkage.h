// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Every assembly function gets a type and a size, so that symbol tables show where it ends.
// The formatter knows no assembler:
// clang-format off
.macro FUNC_START name
    .globl \name
    .balign 16
    .type \name, @function
\name :
.endm

.macro FUNC_END name
    .size \name, . - \name
.endm

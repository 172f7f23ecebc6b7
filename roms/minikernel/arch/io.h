// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

static inline void outb(u8 value, u16 port) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u32 value, u16 port) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port) {
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

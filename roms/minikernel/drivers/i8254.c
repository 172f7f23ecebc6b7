// SPDX-License-Identifier: GPL-2.0-only
#include "drivers/i8254.h"

#include "arch/io.h"

#define PIT_TICK_RATE 1193182u  // Hz
#define PIT_CH0 0x40
#define PIT_MODE 0x43
#define PIT_CH0_LOHI_MODE2 0x34  // rate generator

void pit_set_periodic(unsigned int hz) {
    unsigned int latch = (PIT_TICK_RATE + hz / 2) / hz;
    outb(PIT_CH0_LOHI_MODE2, PIT_MODE);
    outb((u8)latch, PIT_CH0);
    outb((u8)(latch >> 8), PIT_CH0);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "drivers/i8259.h"

#include "arch/io.h"

// The PC's pair of interrupt controllers; the second one hangs on line 2 of the first.

#define MASTER_CMD 0x20
#define MASTER_IMR 0x21
#define SLAVE_CMD 0xa0
#define SLAVE_IMR 0xa1
#define CASCADE_IRQ 2

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086 0x01
#define OCW2_SPECIFIC_EOI 0x60
#define OCW3_READ_ISR 0x0b

static u16 irq_mask = 0xffff & ~(1 << CASCADE_IRQ);

static void write_masks(void) {
    outb((u8)irq_mask, MASTER_IMR);
    outb((u8)(irq_mask >> 8), SLAVE_IMR);
}

void init_8259A(u8 first_vector) {
    outb(ICW1_INIT_ICW4, MASTER_CMD);
    outb(first_vector, MASTER_IMR);
    outb(1 << CASCADE_IRQ, MASTER_IMR);
    outb(ICW4_8086, MASTER_IMR);
    outb(ICW1_INIT_ICW4, SLAVE_CMD);
    outb((u8)(first_vector + 8), SLAVE_IMR);
    outb(CASCADE_IRQ, SLAVE_IMR);
    outb(ICW4_8086, SLAVE_IMR);
    write_masks();
}

void i8259_unmask(int irq) {
    irq_mask &= (u16) ~(1u << irq);
    write_masks();
}

void i8259_eoi(int irq) {
    if (irq >= 8) {
        outb((u8)(OCW2_SPECIFIC_EOI + irq - 8), SLAVE_CMD);
        irq = CASCADE_IRQ;
    }
    outb((u8)(OCW2_SPECIFIC_EOI + irq), MASTER_CMD);
}

bool i8259_is_spurious(int irq) {
    if (irq % 8 != 7) {
        return false;
    }
    u16 command = irq == 7 ? MASTER_CMD : SLAVE_CMD;
    outb(OCW3_READ_ISR, command);
    if (inb(command) & 0x80) {
        return false;
    }
    if (irq == 15) {
        i8259_eoi(CASCADE_IRQ);  // the first controller did see a request
    }
    return true;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "drivers/serial.h"

#include "arch/io.h"
#include "arch/irq.h"
#include "arch/processor.h"
#include "drivers/tty.h"

// A 16550 at the first serial port of a PC: output is polled, input comes by interrupt.

#define PORT 0x3f8
#define UART_RX 0
#define UART_TX 0
#define UART_DLL 0
#define UART_IER 1
#define UART_DLM 1
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5

#define UART_FCR_ENABLE_AND_CLEAR 0x07
#define UART_LCR_8N1 0x03
#define UART_LCR_DLAB 0x80
#define UART_MCR_DTR_RTS_OUT2 0x0b  // OUT2 lets interrupts through
#define UART_LSR_DR 0x01
#define UART_LSR_THRE 0x20

#define UART_IER_RDI 0x01
#define SERIAL_IRQ 4

#define DIVISOR_115200 1

void serial8250_init(void) {
    outb(0, PORT + UART_IER);
    outb(UART_LCR_DLAB | UART_LCR_8N1, PORT + UART_LCR);
    outb(DIVISOR_115200, PORT + UART_DLL);
    outb(0, PORT + UART_DLM);
    outb(UART_LCR_8N1, PORT + UART_LCR);
    outb(UART_FCR_ENABLE_AND_CLEAR, PORT + UART_FCR);
    outb(UART_MCR_DTR_RTS_OUT2, PORT + UART_MCR);
}

void serial_putchar(char c) {
    while (!(inb(PORT + UART_LSR) & UART_LSR_THRE)) {
        cpu_relax();
    }
    outb((u8)c, PORT + UART_TX);
}

void console_write(const char* s, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (s[i] == '\n') {
            serial_putchar('\r');
        }
        serial_putchar(s[i]);
    }
}

static void serial8250_interrupt(int irq, void* dev) {
    (void)irq;
    (void)dev;
    while (inb(PORT + UART_LSR) & UART_LSR_DR) {
        tty_receive(inb(PORT + UART_RX));
    }
}

void tty_init(void) {
    request_irq(SERIAL_IRQ, serial8250_interrupt, "ttyS0", NULL);
    outb(UART_IER_RDI, PORT + UART_IER);
}

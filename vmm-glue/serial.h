#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A 16550A at COM1: what the guest writes goes into a ring that the main thread empties, what it
 * may read comes from serial_feed(). Neither side waits: a full ring loses text and counts it. The
 * interrupt is an edge, given for every event that the guest enabled.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_PORT 0x3f8u
#define SERIAL_REGS 8u
#define SERIAL_TX   16384u
#define SERIAL_RX   4096u

struct serial {
	pthread_mutex_t lock;
	int irq_fd; /* eventfd; -1: none */
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	bool fifo;
	bool thr_event; /* the transmitter became empty, and the guest was not told */
	uint32_t tx_head, tx_tail;
	uint32_t rx_head, rx_tail; /* free running, as above */
	uint64_t lost;
	uint8_t tx[SERIAL_TX];
	uint8_t rx[SERIAL_RX];
};

/** serial_init(), serial_done() - a port as after reset, and its end. Context: main. Source: -. */
void serial_init(struct serial *s);
void serial_done(struct serial *s);

/**
 * serial_read() - the guest reads register @reg, 0 to 7
 *
 * Context: vCPU thread. Return: the register. Source: PC16550D data sheet.
 */
uint8_t serial_read(struct serial *s, unsigned int reg);

/**
 * serial_write() - the guest writes register @reg, 0 to 7
 *
 * Context: vCPU thread. Return: true if there is text and there was none. Source: PC16550D data
 * sheet.
 */
bool serial_write(struct serial *s, unsigned int reg, uint8_t v);

/**
 * serial_take() - text that the guest wrote, at most @max bytes
 *
 * Context: any thread. Return: the number of bytes. Source: -.
 */
size_t serial_take(struct serial *s, uint8_t *buf, size_t max);

/**
 * serial_feed() - give the guest @n bytes to read, all or none
 *
 * Context: any thread. Return: 0; -EAGAIN there is no room, it did not read what came before.
 * Source: -.
 */
int serial_feed(struct serial *s, const uint8_t *text, size_t n);

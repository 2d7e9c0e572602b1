/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <sys/eventfd.h>
#include "serial.h"

#define IER_MASK  0x0fu
#define MCR_MASK  0x1fu
#define IIR_FIFOS 0xc0u
#define MSR_READY (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)
#define DIVISOR	  1u /* 115200 baud */

void serial_init(struct serial *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->irq_fd = -1;
	s->dll = DIVISOR;
}

void serial_done(struct serial *s)
{
	pthread_mutex_destroy(&s->lock);
}

static bool rx_ready(const struct serial *s)
{
	return s->rx_head != s->rx_tail;
}

/* One more edge than needed is harmless, one less is a port that stands still. */
static void edge(struct serial *s)
{
	bool rx = s->ier & UART_IER_RDI && rx_ready(s);
	bool tx = s->ier & UART_IER_THRI && s->thr_event;

	if (s->irq_fd >= 0 && (rx || tx))
		(void)eventfd_write(s->irq_fd, 1);
}

static bool put(struct serial *s, uint8_t v)
{
	bool first = s->tx_head == s->tx_tail;

	if (s->tx_head - s->tx_tail == SERIAL_TX) {
		s->lost++;
		return false;
	}
	s->tx[s->tx_head++ % SERIAL_TX] = v;
	return first;
}

static uint8_t iir_read(struct serial *s)
{
	uint8_t fifo = s->fifo ? IIR_FIFOS : 0;

	if (s->ier & UART_IER_RDI && rx_ready(s))
		return fifo | UART_IIR_RDI;
	if (s->ier & UART_IER_THRI && s->thr_event) {
		s->thr_event = false;
		return fifo | UART_IIR_THRI;
	}
	return fifo | UART_IIR_NO_INT;
}

/* In loopback the modem's lines are those that the guest sets. */
static uint8_t msr_read(const struct serial *s)
{
	uint8_t v = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return MSR_READY;
	v |= s->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0;
	v |= s->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0;
	v |= s->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0;
	v |= s->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0;
	return v;
}

static uint8_t read_locked(struct serial *s, unsigned int reg)
{
	switch (reg) {
	case UART_RX:
		if (s->lcr & UART_LCR_DLAB)
			return s->dll;
		return rx_ready(s) ? s->rx[s->rx_tail++ % SERIAL_RX] : 0;
	case UART_IER:
		return s->lcr & UART_LCR_DLAB ? s->dlm : s->ier;
	case UART_IIR:
		return iir_read(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return UART_LSR_TEMT | UART_LSR_THRE | (rx_ready(s) ? UART_LSR_DR : 0);
	case UART_MSR:
		return msr_read(s);
	case UART_SCR:
		return s->scr;
	default:
		return 0xff;
	}
}

uint8_t serial_read(struct serial *s, unsigned int reg)
{
	uint8_t v;

	pthread_mutex_lock(&s->lock);
	v = read_locked(s, reg);
	pthread_mutex_unlock(&s->lock);
	return v;
}

static bool data_write(struct serial *s, uint8_t v)
{
	bool first = false;

	if (s->lcr & UART_LCR_DLAB) {
		s->dll = v;
		return false;
	}
	if (!(s->mcr & UART_MCR_LOOP)) {
		first = put(s, v);
	} else if (s->rx_head - s->rx_tail < SERIAL_RX) {
		s->rx[s->rx_head++ % SERIAL_RX] = v;
	}
	s->thr_event = true;
	edge(s);
	return first;
}

static void ier_write(struct serial *s, uint8_t v)
{
	uint8_t was = s->ier;

	if (s->lcr & UART_LCR_DLAB) {
		s->dlm = v;
		return;
	}
	s->ier = v & IER_MASK;
	/* enabling it tells of a transmitter that was empty all the time */
	if (s->ier & ~was & UART_IER_THRI)
		s->thr_event = true;
	edge(s);
}

static bool write_locked(struct serial *s, unsigned int reg, uint8_t v)
{
	switch (reg) {
	case UART_TX:
		return data_write(s, v);
	case UART_IER:
		ier_write(s, v);
		break;
	case UART_FCR:
		s->fifo = v & UART_FCR_ENABLE_FIFO;
		if (v & UART_FCR_CLEAR_RCVR)
			s->rx_tail = s->rx_head;
		break;
	case UART_LCR:
		s->lcr = v;
		break;
	case UART_MCR:
		s->mcr = v & MCR_MASK;
		break;
	case UART_SCR:
		s->scr = v;
		break;
	default:
		break;
	}
	return false;
}

bool serial_write(struct serial *s, unsigned int reg, uint8_t v)
{
	bool first;

	pthread_mutex_lock(&s->lock);
	first = write_locked(s, reg, v);
	pthread_mutex_unlock(&s->lock);
	return first;
}

size_t serial_take(struct serial *s, uint8_t *buf, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (n < max && s->tx_tail != s->tx_head)
		buf[n++] = s->tx[s->tx_tail++ % SERIAL_TX];
	pthread_mutex_unlock(&s->lock);
	return n;
}

int serial_feed(struct serial *s, const uint8_t *text, size_t n)
{
	int r = -EAGAIN;

	pthread_mutex_lock(&s->lock);
	if (n <= SERIAL_RX - (s->rx_head - s->rx_tail)) {
		for (size_t i = 0; i < n; i++)
			s->rx[s->rx_head++ % SERIAL_RX] = text[i];
		edge(s);
		r = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

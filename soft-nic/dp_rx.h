#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delivery of one frame to one receive queue: the frame is copied into the next posted buffer at
 * once, its descriptor is written back by dp_rx_flush() at the end of the batch, so that a polling
 * receiver and we do not fight for the descriptor's line at every frame.
 */
#include <lib/mmio.h>
#include <string.h>
#include "dp.h"
#include "dp_copy.h"

#define DP_CRC	   4u
#define DP_TAG_LEN 4u

/**
 * dp_rx_refill() - read the next posted descriptors; false when there is none
 *
 * Context: data thread. Return: true when there is a buffer now. Source: docs/sources.md [Q] [L]:
 * receive descriptors.
 */
bool dp_rx_refill(struct dp_rxq *rx);

/**
 * dp_rx_full() - would this frame find no buffer in a queue that is on?
 *
 * Context: data thread. Return: the queue; NULL it has a buffer, or is off. Source: -.
 */
struct dp_rxq *dp_rx_full(struct dp_worker *me, unsigned int q, const struct dp_pkt *p);

/** dp_rx_restart() - begin at c->head as after power-on. Context: data thread. Source: -. */
void dp_rx_restart(struct dp_rxq *rx, const struct dp_rxq_cfg *c);

#define DP_RX_STATUS ((uint64_t)(NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP | NIC_RXD_STAT_IXSM))

/**
 * dp_write_back() - a received frame's descriptor: hash and status, length, VLAN
 *
 * Context: data thread. Source: docs/sources.md [Q] [L]: receive descriptors.
 */
static inline void dp_write_back(struct nic_rx_read *d, uint64_t lo, uint64_t hi)
{
	mmio_write64(d, lo);
	mmio_write64((uint8_t *)d + 8, hi); /* last: makes it visible */
}

/**
 * dp_rx_told() - frames were written back: the interrupt, and a look for buffers now, while nobody
 * waits, so that they are translated and in our cache
 *
 * Context: data thread. Source: -.
 */
static inline void dp_rx_told(struct dp_worker *me, struct dp_rxq *rx)
{
	if (rx->irq != INTR_NONE)
		intr_queue(me->intr, &me->timer, rx->irq, true);
	if (rx->i_buf == rx->n_buf && mmio_read32(rx->regs + DPR_TAIL) != rx->fetched)
		dp_rx_refill(rx);
}

/**
 * dp_deliver() - any frame to any queue; plain ones have a shorter way in dp_tx.c
 *
 * Context: data thread. Source: docs/sources.md [Q] [L]: receive descriptors.
 */
void dp_deliver(struct dp_worker *me, unsigned int q, const struct dp_pkt *p, bool multi);

/*
 * Parts of it, for frames that take several buffers (dp_scatter.c).
 */

/**
 * dp_put_frame() - the frame with its tag moved between data and descriptor as asked
 * @strip: it has a tag, which is to be left out
 *
 * Context: data thread. Return: bytes that are there then. Source: -.
 */
uint32_t dp_put_frame(uint8_t *buf, const struct dp_pkt *p, bool strip);

/**
 * dp_rx_take() - use the next posted buffer up; there is one
 *
 * Context: data thread. Return: the buffer; NULL it is not in memory that may be written.
 * Source: -.
 */
uint8_t *dp_rx_take(struct dp_rxq *rx);

/** dp_rx_no_buffer() - count a frame that found none. Context: data thread. Source: -. */
void dp_rx_no_buffer(struct dp_worker *me, struct dp_rxq *rx);

/**
 * dp_rx_flush_queue() - dp_rx_flush() of one queue
 *
 * Context: data thread. Source: -.
 */
void dp_rx_flush_queue(struct dp_worker *me, unsigned int q, bool loop);

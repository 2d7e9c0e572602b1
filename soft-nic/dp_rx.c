/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_rx.h"

static uint32_t ring_distance(uint32_t from, uint32_t to, uint32_t n)
{
	return to >= from ? to - from : n - from + to;
}

void dp_rx_restart(struct dp_rxq *rx, const struct dp_rxq_cfg *c)
{
	rx->head = c->head;
	rx->published = c->head;
	rx->gen = c->gen;
}

/* The guest cleared ENABLE: nothing more is written until the control thread starts the queue anew. */
static void rx_stop(struct dp_rxq *rx)
{
	rx->ring = NULL;
	rx->i_buf = rx->n_buf = 0;
	atomic_store(&rx->stopped_gen, rx->gen);
}

bool dp_rx_refill(struct dp_rxq *rx)
{
	uint32_t tail, n, i;

	if (!rx->ring) {
		rx->dropped_off++;
		return false;
	}
	tail = mmio_read32(rx->regs + DPR_TAIL);
	if (!(mmio_read32(rx->regs + DPR_CTL) & XDCTL_ENABLE)) {
		/* what this batch already placed is still written back: it was received before */
		if (!rx->n_pend)
			rx_stop(rx);
		rx->dropped_off++;
		return false;
	}
	if (tail >= rx->n_desc || tail == rx->fetched) {
		rx->dropped_empty++;
		return false;
	}
	n = ring_distance(rx->fetched, tail, rx->n_desc);
	if (n > rx->n_desc - rx->fetched)
		n = rx->n_desc - rx->fetched;
	if (n > DP_BATCH)
		n = DP_BATCH;
	for (i = 0; i < n; i++) {
		uint64_t addr = mmio_read64(&rx->ring[rx->fetched + i].pkt_addr);
		uint8_t *buf = dp_reach(rx->fn, &rx->hint, addr, rx->buf_len, true);

		__builtin_prefetch(buf, 1);
		rx->buf[i] = buf;
	}
	rx->fetched += n;
	if (rx->fetched == rx->n_desc)
		rx->fetched = 0;
	rx->i_buf = 0;
	rx->n_buf = n;
	return true;
}

void dp_rx_deliver_odd(struct dp_rxq *rx, const struct dp_pkt *p, uint8_t *buf, uint64_t status,
		       bool strip)
{
	uint32_t rest = p->len - 16;
	uint64_t vlan = 0;
	uint32_t len = p->len;

	if (!buf) {
		/* a buffer outside mapped memory: its descriptor is used up, the frame is lost */
		rx->dropped_bad++;
		rx->pend[rx->n_pend++] = status | NIC_RXD_ERR_RXE;
		return;
	}
	if (strip) {
		status |= NIC_RXD_STAT_VP;
		vlan = p->tag;
	}
	memcpy(buf, &p->h0, 8);
	memcpy(buf + 8, &p->h1, 8);
	if (p->beside && !strip) { /* insert it between source address and type */
		uint32_t tag = 0x0081u | (uint32_t)__builtin_bswap16(p->tag) << 16;
		uint32_t type = (uint32_t)(p->h1 >> 32);

		memcpy(buf + 12, &tag, 4);
		memcpy(buf + 16, &type, 4);
		dp_copy(buf + 20, p->data + 16, rest);
		len += DP_TAG_LEN;
	} else if (!p->beside && strip) {
		dp_copy(buf + 12, p->data + 16, rest);
		len -= DP_TAG_LEN;
	} else {
		dp_copy(buf + 16, p->data + 16, rest);
	}
	rx->pend[rx->n_pend++] = status | (uint64_t)len << 32 | vlan << 48;
}

static void rx_flush_one(struct dp *dp, struct dp_rxq *rx)
{
	uint32_t n = rx->n_pend, head = rx->head;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *desc = (uint8_t *)&rx->ring[head];

		mmio_write64(desc, 0);
		mmio_write64(desc + 8, rx->pend[i]); /* last: makes it visible */
		if (++head == rx->n_desc)
			head = 0;
	}
	rx->head = head;
	rx->n_pend = 0;
	rx->packets += n;
	intr_queue(dp->intr, &dp->timer, rx->irq, true);
	/* look for buffers now, while nobody waits, so that they are translated and in our cache */
	if (rx->i_buf == rx->n_buf && mmio_read32(rx->regs + DPR_TAIL) != rx->fetched)
		dp_rx_refill(rx);
}

void dp_rx_flush(struct dp *dp)
{
	uint32_t dirty = dp->rx_dirty;

	dp->rx_dirty = 0;
	io_wmb();
	for (; dirty; dirty &= dirty - 1)
		rx_flush_one(dp, &dp->rx[__builtin_ctz(dirty)]);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path. Rings are multiples of their batch and batches start at multiples of it, so a batch
 * never wraps. Indices run freely and are masked where they become positions. The receive ring is
 * looked at only between next and tail: a descriptor behind the tail still carries its old DD.
 */
#include "vfdrv_priv.h"

/* A descriptor is written by one 16-byte store; the NIC looks at it only after the tail moved. */
typedef uint64_t desc_pair __attribute__((vector_size(16), may_alias));

/* DTALEN is the low 16 bits of the second word, PAYLEN starts at its bit 32 + 14. */
#define TX_LEN_UNIT (UINT64_C(1) | UINT64_C(1) << (32 + 14))
#define TX_CMD                                                                             \
	(NIC_TXD_DTYP_DATA * (NIC_TXD_DTYP & -NIC_TXD_DTYP) | NIC_TXD_EOP | NIC_TXD_IFCS | \
	 NIC_TXD_DEXT)
#define TX_DD	   ((uint64_t)NIC_TXD_STAT_DD << 32)
#define TX_RS_STEP ((uint64_t)NIC_TXD_RS)

static inline void desc_store(volatile uint64_t *desc, uint64_t lo, uint64_t hi)
{
	*(desc_pair *)(uintptr_t)desc = (desc_pair){lo, hi};
}

bool vfdrv_rx_refill(struct vfdrv *v)
{
	struct vfdrv_ring *rx = &v->rx;
	struct vfdrv_pool *pool = &v->pool;
	uint32_t batch = rx->batch, at = rx->tail & rx->mask;
	volatile uint64_t *desc = &rx->desc[2 * (size_t)at];
	void **to = &rx->buf[at];
	void **from;

	if (unlikely(pool->n < batch)) {
		rx->nobuf++;
		return false;
	}

	pool->n -= batch;
	from = &pool->buf[pool->n];
	for (uint32_t i = 0; i < batch; i++) {
		void *buf = from[i];

		to[i] = buf;
		desc_store(&desc[2 * (size_t)i], (uintptr_t)buf + v->iova_delta, 0);
	}

	rx->tail += batch;
	vfdrv_barrier();
	if (likely(rx->tail_reg))
		*rx->tail_reg = rx->tail & rx->mask;
	else
		vfdrv_write32(v, nicvf_VRDT(0), rx->tail & rx->mask);
	return true;
}

unsigned int vfdrv_rx_burst(struct vfdrv *v, struct vfdrv_pkt *pkt, unsigned int n)
{
	struct vfdrv_ring *rx = &v->rx;
	uint32_t next = rx->next, mask = rx->mask, posted = rx->tail - next;
	struct vfdrv_pkt *p = pkt, *end;
	uint64_t bytes = 0;

	end = pkt + (n < posted ? n : posted);
	while (p < end) {
		uint64_t done = rx->desc[2 * (size_t)(next & mask) + 1];
		uint32_t status = (uint32_t)done, len = (uint32_t)(done >> 32) & UINT16_MAX;
		void *buf;

		if (!(status & NIC_RXD_STAT_DD))
			break;
		buf = rx->buf[next & mask];
		next++;

		/* the one check a frame needs: whole, sound, and inside its buffer */
		if (unlikely((status & (NIC_RXD_STAT_EOP | NIC_RXD_ERR_RXE)) != NIC_RXD_STAT_EOP ||
			     len - 1 >= VFDRV_BUF_BYTES)) {
			vfdrv_pool_put(&v->pool, buf);
			rx->errors++;
			end--;
			continue;
		}

		__builtin_prefetch(buf);
		p->data = buf;
		p->len = len;
		p->status = status;
		bytes += len;
		p++;
	}
	vfdrv_barrier();

	if (next != rx->next) {
		rx->next = next;
		rx->packets += (uint64_t)(p - pkt);
		rx->bytes += bytes;
		while (rx->tail - next + rx->batch <= mask && vfdrv_rx_refill(v))
			;
	} else if (unlikely(!posted)) {
		/* the pool ran dry before; without this nothing would ever be posted again */
		vfdrv_rx_refill(v);
	}
	return (unsigned int)(p - pkt);
}

bool vfdrv_rx_pending(const struct vfdrv *v)
{
	const struct vfdrv_ring *rx = &v->rx;

	return rx->tail != rx->next &&
	       (uint32_t)rx->desc[2 * (size_t)(rx->next & rx->mask) + 1] & NIC_RXD_STAT_DD;
}

static void tx_reclaim(struct vfdrv *v)
{
	struct vfdrv_ring *tx = &v->tx;
	struct vfdrv_pool *pool = &v->pool;

	while (tx->tail - tx->next >= VFDRV_TX_BATCH) {
		uint32_t at = tx->next & tx->mask;
		void **from = &tx->buf[at], **to = &pool->buf[pool->n];

		if (!(tx->desc[2 * (size_t)(at + VFDRV_TX_BATCH - 1) + 1] & TX_DD))
			return;
		vfdrv_barrier();
		for (unsigned int i = 0; i < VFDRV_TX_BATCH; i++)
			to[i] = from[i];
		pool->n += VFDRV_TX_BATCH;
		tx->next += VFDRV_TX_BATCH;
	}
}

unsigned int vfdrv_tx_burst(struct vfdrv *v, const struct vfdrv_pkt *pkt, unsigned int n)
{
	struct vfdrv_ring *tx = &v->tx;
	uint32_t mask = tx->mask, tail = tx->tail, room = mask - (tail - tx->next);
	uint64_t bytes = 0;

	/* half a ring is left alone: looking at a status that is not there yet only moves its line */
	if (room <= mask / 2 || room < n) {
		tx_reclaim(v);
		room = mask - (tail - tx->next);
		if (unlikely(n > room)) {
			tx->full += n - room;
			n = room;
		}
	}
	if (unlikely(!n))
		return 0;

	for (const struct vfdrv_pkt *p = pkt, *end = pkt + n; p < end; p++, tail++) {
		uint32_t at = tail & mask;
		uint64_t rs = (at & (VFDRV_TX_BATCH - 1)) == VFDRV_TX_BATCH - 1;

		tx->buf[at] = p->data;
		desc_store(&tx->desc[2 * (size_t)at], (uintptr_t)p->data + v->iova_delta,
			   TX_CMD + p->len * TX_LEN_UNIT + rs * TX_RS_STEP);
		bytes += p->len;
	}

	tx->tail = tail;
	vfdrv_barrier();
	if (likely(tx->tail_reg))
		*tx->tail_reg = tail & mask;
	else
		vfdrv_write32(v, nicvf_VTDT(0), tail & mask);
	tx->packets += n;
	tx->bytes += bytes;
	return n;
}

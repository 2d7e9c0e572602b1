/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path. Rings are multiples of their batch and batches start at multiples of it, so a
 * batch never wraps. Indices run freely and are masked where they become positions; bursts are cut
 * into runs that do not wrap, so that the loop over frames has neither masks nor feature branches.
 * The receive ring is looked at only between next and tail: a descriptor behind the tail still
 * carries its old DD.
 */
#include "vfdrv_priv.h"

/* A descriptor is written by one 16-byte store; the NIC looks at it only after the tail moved. */
typedef uint64_t pair __attribute__((vector_size(16), may_alias));
typedef uint64_t loose_pair __attribute__((vector_size(16), aligned(8), may_alias));

#define RX_GOOD (NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP)
#define RX_TEST (RX_GOOD | NIC_RXD_ERR_RXE)

/* DTALEN is the low 16 bits of the second word, PAYLEN starts at its bit 32 + 14. */
#define TX_LEN_UNIT (UINT64_C(1) | UINT64_C(1) << (32 + 14))
#define TX_DTYP	    (NIC_TXD_DTYP_DATA * (NIC_TXD_DTYP & -NIC_TXD_DTYP))
#define TX_CMD	    (TX_DTYP | NIC_TXD_EOP | NIC_TXD_IFCS | NIC_TXD_DEXT)
#define TX_DD	    ((uint64_t)NIC_TXD_STAT_DD << 32)

static void tail_write(struct vfdrv *v, const struct vfdrv_ring *r, uint32_t off)
{
	uint32_t at = r->tail & r->mask;

	vfdrv_barrier();
	if (likely(r->tail_reg))
		*r->tail_reg = at;
	else
		vfdrv_write32(v, off, at);
}

bool vfdrv_rx_refill(struct vfdrv *v)
{
	struct vfdrv_ring *rx = &v->rx;
	struct vfdrv_pool *pool = &v->pool;
	uint32_t batch = rx->batch, at = rx->tail & rx->mask;
	pair *desc = (pair *)(uintptr_t)&rx->desc[2 * (size_t)at], *to = (pair *)&rx->buf[at];
	const pair delta = {v->iova_delta, v->iova_delta}, zero = {0, 0};
	const loose_pair *from;

	if (unlikely(pool->n < batch)) {
		rx->nobuf++;
		return false;
	}

	pool->n -= batch;
	from = (const loose_pair *)&pool->buf[pool->n];
	for (uint32_t i = 0; i < batch / 2; i++) {
		pair two = from[i], iova = two + delta;

		to[i] = two;
		desc[2 * (size_t)i] = __builtin_shufflevector(iova, zero, 0, 2);
		desc[2 * (size_t)i + 1] = __builtin_shufflevector(iova, zero, 1, 2);
	}

	rx->tail += batch;
	tail_write(v, rx, nicvf_VRDT(0));
	return true;
}

/* Take frames from @n descriptors in a row; @ret_next is where it stopped. Returns the frames. */
static unsigned int rx_run(struct vfdrv *v, struct vfdrv_pkt *pkt, uint32_t n, uint32_t *next)
{
	struct vfdrv_ring *rx = &v->rx;
	uint32_t at = *next & rx->mask;
	const volatile uint64_t *desc = &rx->desc[2 * (size_t)at + 1], *end = desc + 2 * (size_t)n;
	void *const *buf = &rx->buf[at];
	struct vfdrv_pkt *p = pkt;
	uint64_t bytes = 0;

	for (; desc < end; desc += 2, buf++) {
		uint64_t done = *desc;
		uint32_t len = (uint16_t)(done >> 32);

		/* the one check a frame needs: there, whole, sound, and inside its buffer */
		if (unlikely(((uint32_t)done & RX_TEST) != RX_GOOD || len - 1 >= VFDRV_BUF_BYTES)) {
			if (!((uint32_t)done & NIC_RXD_STAT_DD))
				break;
			vfdrv_pool_put(&v->pool, *buf);
			rx->errors++;
			continue;
		}

		__builtin_prefetch(*buf);
		p->data = *buf;
		__builtin_memcpy(&p->status, &done, sizeof(done));
		bytes += len;
		p++;
	}

	*next += n - (uint32_t)((end - desc) / 2);
	rx->bytes += bytes;
	return (unsigned int)(p - pkt);
}

unsigned int vfdrv_rx_burst(struct vfdrv *v, struct vfdrv_pkt *pkt, unsigned int n)
{
	struct vfdrv_ring *rx = &v->rx;
	uint32_t next = rx->next, posted = rx->tail - next, size = rx->mask + 1;
	uint32_t run = size - (next & rx->mask);
	unsigned int got;

	if (n > posted)
		n = posted;
	if (run > n)
		run = n;
	got = rx_run(v, pkt, run, &next);
	if (run < n && next == rx->next + run)
		got += rx_run(v, pkt + got, n - run, &next);
	vfdrv_barrier();

	if (next != rx->next) {
		rx->next = next;
		rx->packets += got;
		while (rx->tail - next + rx->batch < size && vfdrv_rx_refill(v))
			;
	} else if (unlikely(!posted)) {
		/* the pool ran dry before; without this nothing would ever be posted again */
		vfdrv_rx_refill(v);
	}
	return got;
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
		const pair *from = (const pair *)&tx->buf[at];
		loose_pair *to = (loose_pair *)&pool->buf[pool->n];

		if (!(tx->desc[2 * (size_t)(at + VFDRV_TX_BATCH - 1) + 1] & TX_DD))
			return;
		vfdrv_barrier();
		for (unsigned int i = 0; i < VFDRV_TX_BATCH / 2; i += 2) {
			to[i] = from[i];
			to[i + 1] = from[i + 1];
		}
		pool->n += VFDRV_TX_BATCH;
		tx->next += VFDRV_TX_BATCH;
	}
}

/* Fill @n descriptors of one batch; the batch's last one asks for a status. */
static uint64_t tx_run(struct vfdrv *v, const struct vfdrv_pkt *pkt, uint32_t n, uint32_t tail)
{
	struct vfdrv_ring *tx = &v->tx;
	uint32_t at = tail & tx->mask;
	pair *desc = (pair *)(uintptr_t)&tx->desc[2 * (size_t)at];
	const uint64_t delta = v->iova_delta;
	void **buf = &tx->buf[at];
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t len = pkt[i].len;

		buf[i] = pkt[i].data;
		desc[i] = (pair){(uintptr_t)pkt[i].data + delta, TX_CMD + len * TX_LEN_UNIT};
		bytes += len;
	}
	if ((at + n) % VFDRV_TX_BATCH == 0)
		desc[n - 1][1] |= NIC_TXD_RS;
	return bytes;
}

unsigned int vfdrv_tx_burst(struct vfdrv *v, const struct vfdrv_pkt *pkt, unsigned int n)
{
	struct vfdrv_ring *tx = &v->tx;
	uint32_t mask = tx->mask, tail = tx->tail, room = mask - (tail - tx->next);

	/* half a ring is left alone: looking at a status that is not there yet only moves its line
	 */
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

	for (uint32_t done = 0, run; done < n; done += run) {
		run = VFDRV_TX_BATCH - tail % VFDRV_TX_BATCH;
		if (run > n - done)
			run = n - done;
		tx->bytes += tx_run(v, pkt + done, run, tail);
		tail += run;
	}

	tx->tail = tail;
	tail_write(v, tx, nicvf_VTDT(0));
	tx->packets += n;
	return n;
}

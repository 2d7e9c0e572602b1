/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_rx.h"
#include "dp_scatter.h"

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

/* The guest cleared ENABLE: nothing is written until the control thread starts it anew. */
static void rx_stop(struct dp_rxq *rx)
{
	rx->ring = NULL;
	rx->i_buf = rx->n_buf = rx->n_good = 0;
	atomic_store(&rx->stopped_gen, rx->gen);
}

/* One posted buffer. The window travels in registers: its original would be stored every time. */
static inline uint8_t *rx_buffer(struct dp_rxq *rx, struct dp_window *w,
				 const struct nic_rx_read *d, bool *bad)
{
	uint64_t addr = mmio_read64(&d->pkt_addr), off = addr - w->base;
	uint8_t *buf = (uint8_t *)(w->va + off);

	if (unlikely(off >= w->span)) {
		buf = dp_reach(rx->fn, &rx->window, addr, rx->buf_used, true, rx->buf_used);
		*w = rx->window;
		*bad |= !buf;
	}
	prefetch_write(buf);
	return buf;
}

/* How far are buffers usable from @i on? */
static uint32_t good_until(const struct dp_rxq *rx, uint32_t i)
{
	while (i < rx->n_buf && rx->buf[i])
		i++;
	return i;
}

static void rx_translate(struct dp_rxq *rx, const struct nic_rx_read *d, uint32_t n)
{
	struct dp_window w = rx->window;
	uint8_t **buf = rx->buf, **end = buf + n;
	bool bad = false;

	for (; end - buf >= (ptrdiff_t)DP_STEP; buf += DP_STEP, d += DP_STEP) {
		buf[0] = rx_buffer(rx, &w, &d[0], &bad);
		buf[1] = rx_buffer(rx, &w, &d[1], &bad);
		buf[2] = rx_buffer(rx, &w, &d[2], &bad);
		buf[3] = rx_buffer(rx, &w, &d[3], &bad);
	}
	for (; buf < end; buf++, d++)
		*buf = rx_buffer(rx, &w, d, &bad);
	rx->i_buf = 0;
	rx->n_buf = n;
	rx->n_good = bad ? good_until(rx, 0) : n;
}

bool dp_rx_refill(struct dp_rxq *rx)
{
	uint32_t tail, n;

	if (!rx->ring)
		return false;
	tail = mmio_read32(rx->regs + DPR_TAIL);
	if (!(mmio_read32(rx->regs + DPR_CTL) & XDCTL_ENABLE)) {
		/* what this batch already placed is still written back: it was received before */
		if (!rx->n_pend)
			rx_stop(rx);
		return false;
	}
	if (tail >= rx->n_desc || tail == rx->fetched)
		return false;
	n = ring_distance(rx->fetched, tail, rx->n_desc);
	if (n > rx->n_desc - rx->fetched)
		n = rx->n_desc - rx->fetched;
	if (n > DP_BATCH)
		n = DP_BATCH;
	rx_translate(rx, rx->ring + rx->fetched, n);
	rx->fetched += n;
	if (rx->fetched == rx->n_desc)
		rx->fetched = 0;
	return true;
}

uint32_t dp_put_frame(uint8_t *buf, const struct dp_pkt *p, bool strip)
{
	uint32_t rest = p->len - 16;

	memcpy(buf, &p->h0, 8);
	memcpy(buf + 8, &p->h1, 8);
	if (p->beside && !strip) { /* insert it between source address and type */
		uint32_t tag = 0x0081u | (uint32_t)__builtin_bswap16(p->tag) << 16;
		uint32_t type = (uint32_t)(p->h1 >> 32);

		memcpy(buf + 12, &tag, 4);
		memcpy(buf + 16, &type, 4);
		dp_copy(buf + 20, p->data + 16, rest);
		return p->len + DP_TAG_LEN;
	}
	if (p->tagged && !p->beside && strip) {
		dp_copy(buf + 12, p->data + 16, rest);
		return p->len - DP_TAG_LEN;
	}
	dp_copy(buf + 16, p->data + 16, rest);
	return p->len;
}

void dp_rx_no_buffer(struct dp_worker *me, struct dp_rxq *rx)
{
	if (!rx->ring) {
		rx->dropped_off++;
	} else if (rx->drop_enabled) {
		rx->dropped_empty++;
	} else {
		/* silicon would hold the frame and overflow sooner or later: told as if it had */
		rx->dropped_missed++;
		me->causes |= ICR_RXO;
	}
}

/* Which of a pool's two queues; one that is off leaves everything to the first. */
static unsigned int rss_queue(struct dp_worker *me, unsigned int q, const struct dp_pkt *p,
			      uint64_t *ret_lo)
{
	uint32_t at = p->tagged && !p->beside ? 18 : 14, n = p->len - at;
	uint16_t type = (uint16_t)(p->h1 >> 32);
	uint8_t l3[RSS_LOOK];
	struct rss_result r;

	if (at == 18)
		memcpy(&type, p->data + 16, sizeof(type));
	if (n > sizeof(l3))
		n = sizeof(l3);
	memcpy(l3, p->data + at, n);
	r = rss_hash(&me->cfg->sw.rss, __builtin_bswap16(type), l3, n);
	*ret_lo = r.type | (uint64_t)r.hash << 32;
	return r.second && me->rx[q + NIC_VFS_MAX].ring ? q + NIC_VFS_MAX : q;
}

struct dp_rxq *dp_rx_full(struct dp_worker *me, unsigned int q, const struct dp_pkt *p)
{
	struct dp_rxq *rx;
	uint64_t lo;

	if (me->cfg->sw.rsse & BIT32(q))
		q = rss_queue(me, q, p, &lo);
	rx = &me->rx[q];
	if ((rx->i_buf < rx->n_buf || dp_rx_refill(rx)) &&
	    (p->len + DP_TAG_LEN <= rx->buf_len || dp_scatter_room(rx, p->len + DP_TAG_LEN))) {
		rx->stalled = false;
		return NULL;
	}
	return rx->ring ? rx : NULL;
}

uint8_t *dp_rx_take(struct dp_rxq *rx)
{
	uint8_t *buf = rx->buf[rx->i_buf++];

	if (!buf)
		rx->n_good = good_until(rx, rx->i_buf);
	return buf;
}

void dp_deliver(struct dp_worker *me, unsigned int q, const struct dp_pkt *p, bool multi)
{
	uint64_t status = DP_RX_STATUS, vlan = 0, lo = 0;
	struct dp_rxq *rx;
	uint32_t limit;
	uint32_t wire_len = p->len + DP_CRC + (p->beside ? DP_TAG_LEN : 0);
	uint32_t len;
	uint8_t *buf;
	bool strip;

	if (unlikely(me->cfg->sw.rsse & BIT32(q)))
		q = rss_queue(me, q, p, &lo);
	rx = &me->rx[q];
	limit = p->tagged ? rx->limit_tagged : rx->limit;
	strip = p->tagged && (rx->strip || (multi && rx->strip_multi));
	len = wire_len - DP_CRC - (strip ? DP_TAG_LEN : 0);
	if (rx->i_buf == rx->n_buf && !dp_rx_refill(rx)) {
		dp_rx_no_buffer(me, rx);
		return;
	}
	if (wire_len > limit || len > rx->buf_len) {
		if (wire_len <= limit) {
			dp_scatter(me, q, p,
				   &(struct dp_scatter){.strip = strip, .multi = multi, .lo = lo});
			return;
		}
		rx->dropped_long++;
		me->n.too_long++;
		return;
	}
	buf = rx->buf[rx->i_buf++];
	me->rx_dirty |= BIT32(q);
	if (!buf) {
		rx->n_good = good_until(rx, rx->i_buf);
		/*
		 * A buffer outside mapped memory: its descriptor is used up, the frame is lost.
		 * It has a length all the same: Linux takes one without for not done yet.
		 */
		rx->dropped_bad++;
		rx->n_bad++;
		rx->pend[rx->n_pend++] = DP_RX_STATUS | NIC_RXD_ERR_RXE | (uint64_t)len << 32;
		return;
	}
	if (p->loop)
		status |= NIC_RXD_STAT_LB;
	if (strip) {
		status |= NIC_RXD_STAT_VP;
		vlan = p->tag;
	}
	len = dp_put_frame(buf, p, strip);
	if (unlikely(lo)) {
		rx->pend_lo[rx->n_pend] = lo;
		rx->n_hashed++;
	}
	rx->pend[rx->n_pend++] = status | (uint64_t)len << 32 | vlan << 48;
	rx->pend_bytes += wire_len;
	rx->multicast += multi;
}

/*
 * Write-backs of descriptors [d, d + n), which do not wrap: line by line, so that each is taken
 * from a polling receiver once.
 */
static void write_back(struct nic_rx_read *d, const uint64_t *lo, const uint64_t *hi, uint32_t n)
{
	const uint64_t *end = hi + n;

	for (; end - hi >= (ptrdiff_t)DP_STEP; hi += DP_STEP, lo += DP_STEP, d += DP_STEP) {
		dp_write_back(&d[0], lo[0], hi[0]);
		dp_write_back(&d[1], lo[1], hi[1]);
		dp_write_back(&d[2], lo[2], hi[2]);
		dp_write_back(&d[3], lo[3], hi[3]);
	}
	for (; hi < end; hi++, lo++, d++)
		dp_write_back(d, *lo, *hi);
}

static void rx_flush_one(struct dp_worker *me, struct dp_rxq *rx, bool loop)
{
	uint32_t n = rx->n_pend, head = rx->head, done = 0;
	uint32_t frames = n - rx->n_bad;

	while (done < n) {
		uint32_t run = n - done < rx->n_desc - head ? n - done : rx->n_desc - head;

		write_back(rx->ring + head, rx->pend_lo + done, rx->pend + done, run);
		done += run;
		head += run;
		if (head == rx->n_desc)
			head = 0;
	}
	rx->head = head;
	rx->packets += frames;
	rx->bytes += rx->pend_bytes;
	if (loop) {
		rx->loop_packets += frames;
		rx->loop_bytes += rx->pend_bytes;
	}
	rx->n_pend = 0;
	rx->n_bad = 0;
	if (unlikely(rx->n_hashed)) {
		memset(rx->pend_lo, 0, sizeof(rx->pend_lo));
		rx->n_hashed = 0;
	}
	rx->pend_bytes = 0;
	dp_rx_told(me, rx);
}

void dp_rx_flush_queue(struct dp_worker *me, unsigned int q, bool loop)
{
	me->rx_dirty &= ~BIT32(q);
	io_wmb();
	rx_flush_one(me, &me->rx[q], loop);
}

void dp_rx_flush(struct dp_worker *me, bool loop)
{
	uint32_t dirty = me->rx_dirty;

	me->rx_dirty = 0;
	io_wmb();
	for (; dirty; dirty &= dirty - 1)
		rx_flush_one(me, &me->rx[__builtin_ctz(dirty)], loop);
}

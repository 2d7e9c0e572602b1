/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_flow.h"

void fp_way_init(struct fp_way *w, const struct fp_bench *b, const struct fp_bpath *path,
		 unsigned int from, uint32_t size)
{
	const struct fp_bport *src = &path->port[from], *dst = &path->port[!from];

	w->from = src->id;
	w->to = dst->id;
	w->pool = path->pool;
	w->made = w->held = w->held_at = 0;
	fp_flow_init(&w->flow, dst->mac, src->mac, b->block, size ? size - FP_FRAME_CRC : 0);
	fp_track_init(&w->track);
}

/*
 * What a transmit function looks at. A buffer out of its pool has one segment and one owner
 * already, and no next one.
 */
static inline void dress(struct rte_mbuf *m, uint32_t len)
{
	m->data_off = RTE_PKTMBUF_HEADROOM;
	m->ol_flags = 0;
	m->pkt_len = len;
	m->data_len = (uint16_t)len;
}

uint32_t fp_way_make(struct fp_way *w, uint32_t n, struct fp_stamps at)
{
	uint32_t end, made = w->made;

	if (!w->held)
		w->held_at = 0;
	end = w->held_at + w->held;
	if (n == 0 || end + n > FP_BENCH_BURST_MAX ||
	    rte_mempool_get_bulk(w->pool, (void **)(w->hold + end), n) < 0)
		return 0;
	for (uint32_t i = end; i < end + n; i++) {
		struct rte_mbuf *m = w->hold[i];

		dress(m, fp_flow_len(&w->flow, made));
		w->when[i] = at.intended;
		fp_frame_write(&w->flow, rte_pktmbuf_mtod(m, uint8_t *), made++, at);
	}
	w->made = made;
	w->held += n;
	return n;
}

void fp_way_done(struct fp_way *w)
{
	if (w->held)
		rte_pktmbuf_free_bulk(w->hold + w->held_at, w->held);
	w->made -= w->held; /* their numbers were the last ones */
	w->held = 0;
}

static inline void judge(struct fp_way *w, struct rte_mbuf *m, uint32_t sent, struct fp_block *b,
			 uint64_t at, uint64_t now)
{
	struct fp_stamps stamp;
	uint64_t before;
	uint32_t seq;

	switch (m->nb_segs != 1 ? FP_FRAME_CORRUPT
				: fp_frame_read(&w->flow, rte_pktmbuf_mtod(m, uint8_t *),
						m->data_len, &seq, &stamp)) {
	case FP_FRAME_FOREIGN:
		w->track.foreign++;
		return;
	case FP_FRAME_CORRUPT:
		w->track.corrupt++;
		return;
	case FP_FRAME_OK:
		break;
	}
	before = w->track.received;
	fp_track_add(&w->track, seq, sent);
	if (at && w->track.received != before && stamp.intended >= at) {
		hist_add(&b->hist, now - stamp.intended);
		hist_add(&b->hist_actual, now - stamp.actual);
	}
}

/* Zero if @m goes back to @pool as it is. */
static inline uint64_t odd(const struct rte_mbuf *m, const struct rte_mempool *pool)
{
	return (uint64_t)(m->nb_segs ^ 1) | (uint64_t)(rte_mbuf_refcnt_read(m) ^ 1) |
	       ((uintptr_t)m->pool ^ (uintptr_t)pool) |
	       (m->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL));
}

/* Frames as they should be, in their order; returns how many of m[0..n) are. */
static inline uint32_t judge_plain(struct fp_way *w, struct rte_mbuf *const *m, uint32_t n,
				   uint32_t sent)
{
	uint32_t i, seq = w->track.next;

	for (i = 0; i < n && seq < sent; i++, seq++)
		if (m[i]->nb_segs != 1 ||
		    !fp_frame_plain(&w->flow, rte_pktmbuf_mtod(m[i], uint8_t *), m[i]->data_len,
				    seq))
			break;
	fp_track_run(&w->track, i);
	return i;
}

/* One call of the driver. */
static uint32_t pull(struct fp_way *w, struct fp_block *b, uint64_t at)
{
	bool alike = !at && w->flow.len && !(w->flow.sources | w->flow.destinations);
	uint32_t n, i, sent = fp_way_sent(w);
	struct rte_mbuf *m[RX_BURST];
	uint64_t now, any = 0;

	n = rte_eth_rx_burst(w->to, 0, m, RX_BURST);
	if (n == 0)
		return 0;
	now = at ? tsc_read() : 0;
	for (i = 0; i < n; i++) {
		prefetch_write(rte_pktmbuf_mtod(m[i], void *)); /* sent again soon */
		any |= odd(m[i], w->pool);
	}
	for (i = 0; i < n; i++) {
		if (alike)
			i += judge_plain(w, m + i, n - i, sent);
		if (i < n)
			judge(w, m[i], sent, b, at, now);
	}
	if (any)
		rte_pktmbuf_free_bulk(m, n);
	else
		rte_mempool_put_bulk(w->pool, (void **)m, n);
	return n;
}

uint32_t fp_way_pull(struct fp_way *w, uint32_t burst, struct fp_block *b, uint64_t at)
{
	uint32_t n, all = 0;

	do {
		n = pull(w, b, at);
		all += n;
	} while (n == RX_BURST && all < burst);
	return all;
}

void fp_ways_drain(struct fp_way *w, unsigned int n, struct fp_block *b, uint64_t at)
{
	uint64_t begin = clock_us(), moved = begin, now = begin;
	bool all;

	do {
		all = true;
		for (unsigned int i = 0; i < n; i++) {
			if (fp_way_pull(&w[i], FP_BENCH_BURST_MAX, b, at) > 0)
				moved = now;
			all &= w[i].track.received >= fp_way_sent(&w[i]);
		}
		now = clock_us();
	} while (!all && now - moved < DRAIN_QUIET_US && now - begin < DRAIN_US);
}

void fp_block_begin(struct fp_bench *b, const struct fp_bpath *path, struct fp_rounds *r,
		    struct fp_block *block)
{
	memset(block, 0, sizeof(*block));
	block->may_lose = DISTURB_LOST_RATE;
	b->block++;
	fp_path_drops(path, block->drops);
	*r = (struct fp_rounds){.gap_ticks = b->tsc_hz / USEC_PER_SEC * GAP_US};
	disturb_read(&block->used, b->cpu);
	r->last = tsc_read();
}

void fp_block_stop(const struct fp_bench *b, const struct fp_rounds *r, struct fp_block *block)
{
	struct disturb_host before = block->used;
	uint64_t ticks_per_us = b->tsc_hz / USEC_PER_SEC;

	disturb_read(&block->used, b->cpu);
	disturb_since(&block->used, &before);
	block->gaps = (struct disturb_gaps){.over = r->over,
					    .max_us = r->max / ticks_per_us,
					    .lost_us = r->lost / ticks_per_us,
					    .stall_us = r->stall / ticks_per_us};
	block->busy_ticks = r->busy;
	block->idle_ticks = r->idle;
	block->polls = r->polls;
	block->empty_polls = r->empty;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void fp_block_end(const struct fp_bpath *path, struct fp_way *w, unsigned int n,
		  struct fp_block *block)
{
	struct fp_drops after[2];

	for (unsigned int i = 0; i < n; i++) {
		fp_way_done(&w[i]);
		block->sent += fp_way_sent(&w[i]);
		block->received += w[i].track.received;
		block->corrupt += w[i].track.corrupt;
		block->duplicate += w[i].track.duplicate;
		block->reordered += w[i].track.reordered;
		block->foreign += w[i].track.foreign;
	}
	block->gone = fp_path_gone(path);
	fp_path_drops(path, after);
	for (unsigned int i = 0; i < 2; i++) {
		struct fp_drops *d = &block->drops[i];

		/* a port that is gone has lost its counters as well */
		if (atomic_load(&path->port[i].gone))
			*d = (struct fp_drops){0};
		else
			*d = (struct fp_drops){
				.rx_missed = grown(after[i].rx_missed, d->rx_missed),
				.rx_errors = grown(after[i].rx_errors, d->rx_errors),
				.rx_nombuf = grown(after[i].rx_nombuf, d->rx_nombuf),
				.tx_errors = grown(after[i].tx_errors, d->tx_errors),
			};
	}
}

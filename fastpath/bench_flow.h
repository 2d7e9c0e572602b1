#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One direction of a block: frames are made in bursts, and what a port does not take stays at
 * hand, so numbers leave in order. For bench_run.c and bench_latency.c alone.
 */
#include "bench_run.h"
#include <lib/clock.h>
#include <lib/mmio.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define DRAIN_US       UINT64_C(1500000)
#define DRAIN_QUIET_US UINT64_C(300000) /* so long may a switch not run on a crowded machine */
#define RX_BURST       32u		/* more than that a call not all receive functions refill */
#define GAP_US	       20u
#define STALL_GAPS     50u /* a millisecond */

struct fp_way {
	uint16_t from, to;
	struct rte_mempool *pool;
	struct fp_flow flow;
	struct fp_track track;
	uint32_t made;			   /* the next number */
	uint32_t held, held_at;		   /* made, not yet taken by the port */
	uint64_t when[FP_BENCH_BURST_MAX]; /* intended times of those in hold */
	struct rte_mbuf *hold[FP_BENCH_BURST_MAX];
};

/* The generator's loop: what each round cost. */
struct fp_rounds {
	uint64_t last, gap_ticks;
	uint64_t max, lost, stall, over;
	uint64_t busy, idle, polls, empty;
};

/**
 * fp_way_init() - frames from port @from of @path to the other one, in the block that begins
 *
 * Context: the generator's thread. Source: -.
 */
void fp_way_init(struct fp_way *w, const struct fp_bench *b, const struct fp_bpath *path,
		 unsigned int from, uint32_t size);

/** fp_way_sent() - frames that the port took. Context: any. Return: frames. Source: -. */
static inline uint32_t fp_way_sent(const struct fp_way *w)
{
	return w->made - w->held;
}

/**
 * fp_way_make() - @n frames more at hand, all to be sent at @at
 *
 * Context: the generator's thread. Return: @n; 0 if there is no room or no buffer. Source: -.
 */
uint32_t fp_way_make(struct fp_way *w, uint32_t n, struct fp_stamps at);

/** fp_way_push() - send what is at hand. Context: the generator's thread. Return: n. Source: -. */
static inline uint32_t fp_way_push(struct fp_way *w)
{
	uint32_t n;

	if (!w->held)
		return 0;
	n = rte_eth_tx_burst(w->from, 0, w->hold + w->held_at, (uint16_t)w->held);
	w->held -= n;
	w->held_at += n;
	return n;
}

/**
 * fp_way_pull() - receive and judge frames, RX_BURST at a time as long as there are so many and
 * fewer than @burst were had
 * @b:  with @at, latencies of frames that were to be sent at @at or later go into its histograms
 * @at: 0: none do
 *
 * Context: the generator's thread. Return: how many arrived, whatever they were. Source: -.
 */
uint32_t fp_way_pull(struct fp_way *w, uint32_t burst, struct fp_block *b, uint64_t at);

/** fp_way_done() - free what is at hand, as if never made. Context: the generator's thread. Source:
 * -. */
void fp_way_done(struct fp_way *w);

/**
 * fp_ways_drain() - receive what is still under way
 *
 * Context: the generator's thread; up to a second. Source: -.
 */
void fp_ways_drain(struct fp_way *w, unsigned int n, struct fp_block *b, uint64_t at);

/** fp_round() - account a round. Context: the generator's thread. Return: now. Source: -. */
static inline uint64_t fp_round(struct fp_rounds *r, bool moved)
{
	uint64_t now = tsc_read(), took = now - r->last;

	r->last = now;
	if (moved)
		r->busy += took;
	else
		r->idle += took;
	if (took > r->gap_ticks) {
		r->over++;
		r->lost += took;
		if (took > r->gap_ticks * STALL_GAPS)
			r->stall += took;
		if (took > r->max)
			r->max = took;
	}
	return now;
}

/**
 * fp_block_begin(), fp_block_end() - what is common to all measurements; the drops, the host's
 * counters, the ways' trackers and the rounds end up in @block
 *
 * fp_block_stop() reads the host's counters: at the end of the measurement, before the drain.
 *
 * Context: the generator's thread. Source: -.
 */
void fp_block_begin(struct fp_bench *b, const struct fp_bpath *path, struct fp_rounds *r,
		    struct fp_block *block);
void fp_block_stop(const struct fp_bench *b, const struct fp_rounds *r, struct fp_block *block);
void fp_block_end(const struct fp_bpath *path, struct fp_way *w, unsigned int n,
		  struct fp_block *block);

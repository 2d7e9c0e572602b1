/* SPDX-License-Identifier: BSD-3-Clause */
/* Throughput: both directions, or one, in a closed loop, as fast as it goes, or at a rate. */
#include "bench_flow.h"

#define WRITE_OFF_US UINT64_C(100000) /* a switch may sleep that long on a crowded machine */

#define CLOCK_FRAMES 8u
#define CROWD	     96u /* under way: more than a switch has in work that keeps up */

struct pump {
	const struct fp_run *run;
	struct fp_way way[2];
	unsigned int n_ways;
	uint32_t forgiven[2]; /* numbers below need no credit any more */
	uint64_t heard[2];    /* when something arrived last */
	uint64_t begin, write_off_ticks, written_off;
	double per_tick; /* frames, each direction */
};

/* How many frames way @i may have at hand now. */
static uint32_t allowance(struct pump *p, unsigned int i, uint64_t now)
{
	struct fp_way *w = &p->way[i];
	uint32_t known, under_way;
	uint64_t due;

	switch (p->run->mode) {
	case FP_MODE_FLOOD:
		return p->run->burst;
	case FP_MODE_RATE:
		due = (uint64_t)((double)(now - p->begin) * p->per_tick);
		return due > w->made ? (uint32_t)RTE_MIN(due - w->made, p->run->burst) : 0;
	case FP_MODE_CREDIT:
		break;
	}
	known = RTE_MAX(w->track.next, p->forgiven[i]);
	under_way = w->made - known;
	if (under_way >= p->run->credit) {
		if (now - p->heard[i] < p->write_off_ticks)
			return 0;
		/* lost, all of them: or nothing would ever be sent again */
		p->written_off += under_way;
		p->forgiven[i] = w->made;
		p->heard[i] = now;
		under_way = 0;
	}
	return RTE_MIN(p->run->credit - under_way, p->run->burst);
}

/*
 * How many frames of way @w to take at most. After a pause a rate is made up for, and more comes
 * back in a turn than was sent: what nobody takes would count as lost by the path.
 */
static uint32_t appetite(const struct pump *p, const struct fp_way *w)
{
	if (p->run->mode == FP_MODE_RATE && w->made - w->track.next > CROWD)
		return FP_BENCH_BURST_MAX;
	return p->run->burst;
}

static bool turn(struct pump *p, struct fp_rounds *r, struct fp_block *block)
{
	uint64_t now = r->last;
	bool moved = false;

	for (unsigned int i = 0; i < p->n_ways; i++) {
		struct fp_way *w = &p->way[i];

		if (!w->held)
			fp_way_make(w, allowance(p, i, now), (struct fp_stamps){now, now});
		moved |= fp_way_push(w) > 0;
		r->polls++;
		if (fp_way_pull(w, appetite(p, w), block, 0) > 0) {
			p->heard[i] = now;
			moved = true;
		} else {
			r->empty++;
		}
	}
	return moved;
}

static void count(const struct pump *p, uint64_t *ret_sent, uint64_t *ret_received)
{
	*ret_sent = *ret_received = 0;
	for (unsigned int i = 0; i < p->n_ways; i++) {
		*ret_sent += fp_way_sent(&p->way[i]);
		*ret_received += p->way[i].track.received;
	}
}

static void pump_init(struct pump *p, const struct fp_bench *b, const struct fp_bpath *path,
		      const struct fp_run *run, uint64_t now)
{
	memset(p, 0, sizeof(*p));
	p->run = run;
	p->n_ways = run->both ? 2 : 1;
	p->begin = now;
	p->write_off_ticks = b->tsc_hz / USEC_PER_SEC * WRITE_OFF_US;
	p->per_tick = run->mpps * 1e6 / (double)b->tsc_hz / p->n_ways;
	for (unsigned int i = 0; i < p->n_ways; i++) {
		fp_way_init(&p->way[i], b, path, i, run->size);
		if (run->sources)
			fp_flow_spread(&p->way[i].flow, run->sources, run->destinations);
		p->heard[i] = now;
	}
}

int fp_run_throughput(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		      struct fp_block *block)
{
	uint64_t ticks_per_us = b->tsc_hz / USEC_PER_SEC, window = 0, now, sent, received;
	unsigned int turns = 1;
	struct fp_rounds r;
	struct pump p;

	if (run->mode == FP_MODE_RATE && !(run->mpps > 0))
		return -ERANGE;
	fp_block_begin(b, path, &r, block);
	pump_init(&p, b, path, run, r.last);
	/* in a virtual machine reading the clock takes as long as a frame does: not for each one */
	if (run->mode != FP_MODE_RATE && run->burst < CLOCK_FRAMES)
		turns = CLOCK_FRAMES / run->burst;
	do {
		bool moved = false;

		for (unsigned int i = 0; i < turns; i++)
			moved |= turn(&p, &r, block);
		now = fp_round(&r, moved);
		if (!window && now - p.begin >= run->discard_us * ticks_per_us) {
			window = now;
			count(&p, &block->window_sent, &block->window_received);
			r.busy = r.idle = r.polls = r.empty = 0;
		}
		if (!moved && fp_path_gone(path))
			break;
	} while (!window || now - window < run->measure_us * ticks_per_us);
	fp_block_stop(b, &r, block);
	count(&p, &sent, &received);
	block->window_ticks = window ? now - window : 0;
	block->window_sent = sent - block->window_sent;
	block->window_received = received - block->window_received;
	block->written_off = p.written_off;
	if (run->mode == FP_MODE_RATE) {
		block->offer.due = (uint64_t)((double)block->window_ticks * p.per_tick * p.n_ways);
		block->offer.sent = block->window_sent;
	}
	fp_ways_drain(p.way, p.n_ways, block, 0);
	fp_block_end(path, p.way, p.n_ways, block);
	return 0;
}

int fp_run_warm(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		uint64_t frames, struct fp_block *block)
{
	uint64_t end = clock_us() + run->measure_us;
	struct fp_rounds r;
	struct pump p;
	bool done;

	fp_block_begin(b, path, &r, block);
	pump_init(&p, b, path, run, r.last);
	do {
		fp_round(&r, turn(&p, &r, block));
		done = p.way[0].track.received >= frames && p.way[1].track.received >= frames;
	} while (!done && clock_us() < end && !fp_path_gone(path));
	fp_block_stop(b, &r, block);
	fp_ways_drain(p.way, p.n_ways, block, 0);
	fp_block_end(path, p.way, p.n_ways, block);
	return done ? 0 : -ETIMEDOUT;
}

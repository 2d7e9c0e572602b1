/* SPDX-License-Identifier: BSD-3-Clause */
/* Latency: one frame at a time (service time), and by a schedule that does not wait. */
#include "bench_flow.h"
#include "bench_sched.h"

#define PING_TIMEOUT_US UINT64_C(20000)
#define LATE_US		5u
#define POLLS_A_CLOCK	16u
#define OPEN_BATCH	32u /* what piled up leaves in bursts of so many */

/*
 * One frame on @w, and until it is there. The clock is read between polls only now and then: in a
 * virtual machine that takes longer than to look into a ring.
 * Return: did it arrive in time?
 */
static bool hop(struct fp_way *w, struct fp_rounds *r, struct fp_block *block, uint64_t until)
{
	uint32_t want;
	uint64_t now;

	if (!w->held && fp_way_make(w, 1, (struct fp_stamps){0}) == 0)
		return false;
	want = w->made;
	do {
		bool moved = fp_way_push(w) > 0;

		for (unsigned int i = 0; i < POLLS_A_CLOCK && w->track.next != want; i++) {
			r->polls++;
			moved |= fp_way_pull(w, 1, block, 0) > 0;
		}
		now = fp_round(r, moved);
	} while (w->track.next != want && (int64_t)(until - now) > 0);
	return w->track.next == want;
}

void fp_run_pingpong(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		     struct fp_block *block)
{
	uint64_t ticks_per_us = b->tsc_hz / USEC_PER_SEC, begin, end, n = 0, total;
	struct fp_way w[2];
	struct fp_rounds r;

	total = run->count ? run->count + run->discard : UINT64_MAX;
	fp_block_begin(b, path, &r, block);
	for (unsigned int i = 0; i < 2; i++)
		fp_way_init(&w[i], b, path, i, run->size);
	begin = r.last;
	end = begin + run->measure_us * ticks_per_us;
	while (n < total && r.last < end && !fp_path_gone(path)) {
		uint64_t start = fp_round(&r, true), until = start + PING_TIMEOUT_US * ticks_per_us;

		if (!hop(&w[0], &r, block, until) || !hop(&w[1], &r, block, until))
			block->timeouts++;
		else if (n >= run->discard)
			hist_add(&block->hist, r.last - start);
		n++;
	}
	fp_block_stop(b, &r, block);
	fp_ways_drain(w, 2, block, 0);
	fp_block_end(path, w, 2, block);
}

struct open_loop {
	struct fp_way way;
	struct fp_sched sched;
	uint64_t begin, record, end, late_ticks;
};

/* What is due now, as one burst at most. */
static void open_make(struct open_loop *o, uint64_t now, struct fp_block *block)
{
	uint64_t at;

	while ((at = o->begin + fp_sched_next(&o->sched)) <= now && at < o->end) {
		uint32_t n = o->sched.burst;

		if (o->way.held && o->way.held + n > OPEN_BATCH)
			return;
		if (fp_way_make(&o->way, n, (struct fp_stamps){at, now}) == 0)
			return;
		if (at >= o->record)
			block->offer.due += n;
		fp_sched_advance(&o->sched);
	}
}

static uint32_t open_push(struct open_loop *o, uint64_t now, struct fp_block *block)
{
	struct fp_way *w = &o->way;
	uint32_t first = w->held_at, n;

	for (uint32_t i = first; i < first + w->held; i++)
		fp_frame_stamp(rte_pktmbuf_mtod(w->hold[i], uint8_t *), now);
	n = fp_way_push(w);
	for (uint32_t i = first; i < first + n; i++)
		block->late += w->when[i] >= o->record && now - w->when[i] > o->late_ticks;
	return n;
}

int fp_run_open(struct fp_bench *b, struct fp_bpath *path, const struct fp_run *run,
		struct fp_block *block)
{
	uint64_t ticks_per_us = b->tsc_hz / USEC_PER_SEC, now, held = 0;
	struct open_loop o;
	struct fp_rounds r;
	int rc;

	rc = fp_sched_init(&o.sched, run->poisson, run->mpps, run->burst, b->tsc_hz, run->seed);
	if (rc < 0)
		return rc;
	fp_block_begin(b, path, &r, block);
	block->may_lose = DISTURB_LOST_TAIL;
	fp_way_init(&o.way, b, path, 0, run->size);
	o.begin = now = r.last;
	o.record = o.begin + run->discard_us * ticks_per_us;
	o.end = o.record + run->measure_us * ticks_per_us;
	o.late_ticks = LATE_US * ticks_per_us;
	while (now < o.end) {
		bool moved;

		open_make(&o, now, block);
		moved = open_push(&o, now, block) > 0;
		r.polls++;
		moved |= fp_way_pull(&o.way, OPEN_BATCH, block, o.record) > 0;
		now = fp_round(&r, moved);
		if (!moved && fp_path_gone(path))
			break;
	}
	fp_block_stop(b, &r, block);
	block->window_ticks = now > o.record ? now - o.record : 0;
	for (uint32_t i = o.way.held_at; i < o.way.held_at + o.way.held; i++)
		held += o.way.when[i] >= o.record;
	block->unsent = held + fp_sched_behind(&o.sched, o.end - o.begin);
	block->window_sent = block->offer.due - held;
	block->offer = (struct disturb_offer){.due = block->window_sent + block->unsent,
					      .sent = block->window_sent};
	fp_way_done(&o.way);
	fp_ways_drain(&o.way, 1, block, o.record);
	fp_block_end(path, &o.way, 1, block);
	return 0;
}

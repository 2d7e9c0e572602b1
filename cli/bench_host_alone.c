/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_host_alone.h"

#include <cli/bench_goals.h>
#include <errno.h>
#include <lib/clock.h>
#include <sched.h>

#define BREATHE_US UINT64_C(80000) /* well above the 50 ms that the kernel would take */
#define DRAW_MS	   250u		   /* one try in four helps */
#define DRAW_TRIES 12u
#define DRAW_EARNS 40u /* ms a breath, besides 3 s before the first block */

/* A path that calls the kernel, or another thread, for its frames needs those to run. */
static bool only_polls(const struct bh_path *p)
{
	return p->n_procs && !(p->kind->traits & (BH_TRAIT_SLOW | BH_TRAIT_GIVEN));
}

/* Not the ones that wander: what they do is not on the way of a frame. */
static bool is_pinned(pid_t thread, unsigned int cpu)
{
	cpu_set_t set;

	return sched_getaffinity(thread, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1 &&
	       CPU_ISSET(cpu, &set);
}

static int become(pid_t thread, int policy)
{
	struct sched_param param = {.sched_priority = policy == SCHED_FIFO ? 1 : 0};

	return sched_setscheduler(thread, policy, &param) < 0 ? -errno : 0;
}

static double look(struct bench_host *b)
{
	int r = b->calib.tsc_khz ? calib_again(&b->calib) : calib_run(&b->calib);

	if (r < 0)
		b->calib.rtt_median_ns = 0;
	else if (b->near_ns <= 0 || b->calib.rtt_median_ns < b->near_ns)
		b->near_ns = b->calib.rtt_median_ns;
	return b->calib.rtt_median_ns;
}

/* Before the first block nobody knows how near they can be: then all tries are made. */
static void draw_near(struct bench_host *b, bool first)
{
	b->draw_ms += first ? DRAW_TRIES * DRAW_MS : DRAW_EARNS;
	for (unsigned int i = 0; i < DRAW_TRIES && b->draw_ms >= DRAW_MS && !*b->stop; i++) {
		if (!first && b->calib.rtt_median_ns < BENCH_MOVED * b->near_ns)
			break;
		b->draw_ms -= DRAW_MS;
		if (calib_draw_near(&b->calib, DRAW_MS) < 0 || look(b) <= 0)
			break;
	}
}

void bh_alone_breathe(struct bench_host *b)
{
	bool first = b->near_ns <= 0;

	clock_sleep_us(BREATHE_US);
	if (look(b) > 0)
		draw_near(b, first);
	b->alone_us = 0;
}

pid_t bh_alone_begin(struct bench_host *b, const struct bh_path *p, const struct bh_waits *waits)
{
	pid_t thread = bh_waits_busiest(waits);
	int r;

	if (!only_polls(p) || !thread || !is_pinned(thread, b->cpu_switch))
		return 0;
	r = become(b->engine.proc.pid, SCHED_FIFO);
	if (r >= 0) {
		r = become(thread, SCHED_FIFO);
		if (r < 0)
			become(b->engine.proc.pid, SCHED_OTHER);
	}
	if (r < 0) {
		b->alone_error = r;
		return 0;
	}
	b->n_alone++;
	b->alone_since = clock_us();
	return thread;
}

void bh_alone_end(struct bench_host *b, pid_t thread)
{
	if (!thread)
		return;
	become(thread, SCHED_OTHER);
	become(b->engine.proc.pid, SCHED_OTHER);
	b->alone_us += clock_us() - b->alone_since;
}

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* A running measurement: its two interfaces, its clock, and the way out when one of them goes. */
#include <abi/errno.h>
#include <guest/engine.h>
#include <guest/testframe.h>

struct engine_run {
	struct engine *e;
	const struct guest_req *req;
	struct guest_res *res;
	struct nif *a, *b; /* PING: b is NULL */
	uint32_t gen_a, gen_b;
	uint32_t skip; /* slots this measurement polls itself */
	uint64_t deadline;
	uint64_t looked;     /* the loop's last look at the clock */
	uint64_t gap, stall; /* in ticks */
};

static inline uint64_t engine_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static inline uint64_t engine_ticks(const struct engine *e, uint64_t us)
{
	/* a request's times are the VMM's word: saturate rather than wrap */
	return us > UINT64_C(1) << 40 ? UINT64_MAX >> 1 : us * e->home.tsc_khz / 1000;
}

/* A look at the clock that the loop took, after another one in @r->looked. */
static inline void engine_look(struct engine_run *r, uint64_t now)
{
	struct guest_gaps *g = &r->res->gaps;
	uint64_t round = now - r->looked;

	r->looked = now;
	/* signed: a clock that stepped back is no gap */
	if (__builtin_expect((int64_t)round <= (int64_t)r->gap, 1))
		return;
	g->n++;
	g->lost += round;
	g->max = round > g->max ? round : g->max;
	g->stalled += round > r->stall ? round : 0;
}

/* From here on they count. */
static inline void engine_look_first(struct engine_run *r, uint64_t now)
{
	r->res->gaps = (struct guest_gaps){};
	r->looked = now;
}

/** engine_service() - let the rest of the guest run, then see whether this can go on. */
int engine_service(struct engine_run *r);

int engine_ping(struct engine_run *r);
int engine_rtt(struct engine_run *r);
int engine_throughput(struct engine_run *r);

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

/** engine_service() - let the rest of the guest run, then see whether this can go on. */
int engine_service(struct engine_run *r);

int engine_ping(struct engine_run *r);
int engine_rtt(struct engine_run *r);
int engine_throughput(struct engine_run *r);

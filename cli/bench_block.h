#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* A block of a result, on its way into the file: what the benches on the host and in guests share.
 */
#include <jansson.h>

#include "bench_host_plan.h"

/* Where a block stands. */
struct bench_place {
	unsigned int round, order;
	bool repeat;   /* it measures the same a second time */
	double c2c_ns; /* 0: not measured */
};

/** bench_block_mode() - as docs/bench-format.md names it. Context: any; pure. Source: none. */
const char *bench_block_mode(const struct bh_block *block);

/** bench_block_count() - a count of @o; 0 if it has none. Context: any; pure. Source: none. */
uint64_t bench_block_count(const json_t *o, const char *key);

/** bench_block_spoil() - @answer is not valid, for one more reason. Context: any. Source: none. */
void bench_block_spoil(json_t *answer, const char *why);

/**
 * bench_block_waits() - tell how long the switch waited for its CPU; too long spoils the block
 * @allowed_us: how long is not too long
 * @wall_us:    with what came after the block's time, to its last frames
 *
 * Context: any. Source: docs/bench-format.md.
 */
void bench_block_waits(json_t *answer, uint64_t waited_us, uint64_t allowed_us, uint64_t wall_us);

/**
 * bench_block_place() - put path, test, parameters and place into @answer
 * @offered: Mpps that were asked for; 0: none
 *
 * Context: any. Return: 0; -ENOMEM. Source: docs/bench-format.md.
 */
int bench_block_place(json_t *answer, const char *path, const struct bh_block *block,
		      double offered, const struct bench_place *at);

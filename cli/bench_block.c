/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_block.h"

#include <errno.h>
#include <stdio.h>

static const char *const test_names[] = {
	[BH_THROUGHPUT] = "throughput",
	[BH_PINGPONG] = "pingpong",
	[BH_OPEN] = "open",
};

const char *bench_block_mode(const struct bh_block *block)
{
	if (block->test == BH_PINGPONG)
		return "one";
	if (block->test == BH_OPEN)
		return block->constant ? "constant" : "poisson";
	return block->mpps > 0 || block->share > 0 ? "rate" : "credit";
}

uint64_t bench_block_count(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : (uint64_t)n;
}

void bench_block_spoil(json_t *answer, const char *why)
{
	json_t *list = json_object_get(answer, "why");

	if (!list) {
		list = json_array();
		json_object_set_new(answer, "why", list);
	}
	json_array_append_new(list, json_string(why));
	json_object_set_new(answer, "valid", json_false());
}

void bench_block_waits(json_t *answer, uint64_t waited_us, uint64_t allowed_us, uint64_t wall_us)
{
	char why[96];

	json_object_set_new(answer, "switch_wait_ms", json_real((double)waited_us / 1000));
	if (waited_us <= allowed_us)
		return;
	snprintf(why, sizeof(why), "others ran on the switch's CPU for %.1f ms of %llu ms",
		 (double)waited_us / 1000, (unsigned long long)wall_us / 1000);
	bench_block_spoil(answer, why);
}

int bench_block_place(json_t *answer, const char *path, const struct bh_block *block,
		      double offered, const struct bench_place *at)
{
	const char *test = test_names[block->test];
	int r;

	r = json_object_update_new(
		answer,
		json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:s, s:s}", "round", (int)at->round,
			  "order", (int)at->order, "path", path, "test", at->repeat ? "aa" : test,
			  "size", (int)block->size, "burst", (int)block->burst, "direction",
			  block->one_way || block->test == BH_OPEN ? "one" : "both", "mode",
			  bench_block_mode(block)));
	if (r < 0)
		return -ENOMEM;
	if (at->repeat)
		json_object_set_new(answer, "repeats", json_string(test));
	if (offered > 0)
		json_object_set_new(answer, "asked_mpps", json_real(offered));
	if (block->share > 0)
		json_object_set_new(answer, "share", json_real(block->share));
	if (at->c2c_ns > 0)
		json_object_set_new(answer, "c2c_ns", json_real(at->c2c_ns));
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <cli/stats.h>

#define CRC_BYTES 4u
#define COUNT_MAX (INT64_C(1) << 53) /* what every reader of JSON keeps exactly */

/* A guest is behind these. */
static bool read_count(const json_t *o, const char *key, uint64_t *ret_count)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > COUNT_MAX)
		return false;
	*ret_count = (uint64_t)n;
	return true;
}

static bool read_gaps(const json_t *o, struct guest_gaps *g)
{
	return read_count(o, "n", &g->n) && read_count(o, "max", &g->max) &&
	       read_count(o, "lost", &g->lost) && read_count(o, "stalled", &g->stalled) &&
	       g->max <= g->lost && g->stalled <= g->lost;
}

static bool read_traps(const json_t *o, struct bench_traps *t)
{
	return read_count(o, "bar_exits", &t->bar_exits) &&
	       read_count(o, "messages", &t->messages) && read_count(o, "kvm_exits", &t->kvm_exits);
}

int bench_sum_add(struct bench_sum *sum, const json_t *result)
{
	static struct hist h; /* 7 KiB */
	struct bench_sum s = {};

	if (!read_count(result, "sent", &s.sent) || !read_count(result, "received", &s.received) ||
	    !read_count(result, "bytes", &s.bytes) || !read_count(result, "ticks", &s.ticks) ||
	    !read_count(result, "corrupt", &s.corrupt) ||
	    !read_gaps(json_object_get(result, "gaps"), &s.gaps) ||
	    !read_traps(json_object_get(result, "traps"), &s.traps) ||
	    stats_hist_decode(json_object_get(result, "hist"), &h) < 0)
		return -EBADMSG;
	sum->sent += s.sent;
	sum->received += s.received;
	sum->bytes += s.bytes;
	sum->ticks += s.ticks;
	sum->corrupt += s.corrupt;
	sum->gaps.n += s.gaps.n;
	sum->gaps.lost += s.gaps.lost;
	sum->gaps.stalled += s.gaps.stalled;
	sum->gaps.max = s.gaps.max > sum->gaps.max ? s.gaps.max : sum->gaps.max;
	sum->traps.bar_exits += s.traps.bar_exits;
	sum->traps.messages += s.traps.messages;
	sum->traps.kvm_exits += s.traps.kvm_exits;
	hist_merge(&sum->hist, &h);
	return 0;
}

static double per_second(const struct bench_sum *sum, double n, uint64_t tsc_khz)
{
	double ns = stats_ticks_ns(sum->ticks, tsc_khz);

	return ns > 0 ? n * 1e9 / ns : 0;
}

double bench_sum_mpps(const struct bench_sum *sum, uint64_t tsc_khz)
{
	return per_second(sum, (double)sum->received, tsc_khz) / 1e6;
}

double bench_sum_gbps(const struct bench_sum *sum, uint64_t tsc_khz)
{
	double bytes = (double)sum->bytes + (double)sum->received * CRC_BYTES;

	return per_second(sum, bytes * 8, tsc_khz) / 1e9;
}

static json_t *hist_json(const struct hist *h, uint64_t tsc_khz)
{
	double max = stats_ticks_ns(h->max, tsc_khz);
	json_t *buckets;

	if (!h->n)
		return json_null();
	buckets = json_array();
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		/* the last one has no end */
		double upper = i + 1 < HIST_BUCKETS
				       ? stats_ticks_ns(hist_value(i + 1), tsc_khz)
				       : fmax(max, stats_ticks_ns(hist_value(i), tsc_khz) * 1.016);

		if (h->bucket[i])
			json_array_append_new(buckets,
					      json_pack("[f, I]", upper, (json_int_t)h->bucket[i]));
	}
	return json_pack("{s:s, s:I, s:f, s:f, s:o}", "unit", "ns", "n", (json_int_t)h->n, "min",
			 stats_ticks_ns(h->min, tsc_khz), "max", max, "buckets", buckets);
}

static uint64_t ticks_us(uint64_t ticks, uint64_t tsc_khz)
{
	return (uint64_t)(stats_ticks_ns(ticks, tsc_khz) / 1e3);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void spoil(json_t *block, uint64_t n, const char *what)
{
	char why[96];

	if (!n)
		return;
	snprintf(why, sizeof(why), "%llu frames %s", (unsigned long long)n, what);
	bench_block_spoil(block, why);
}

/*
 * With so few frames under way nothing overflows, and no counter of drops is to explain one that is
 * missing.
 */
static void conserve(const struct bench_sum *sum, json_t *block)
{
	spoil(block, less(sum->sent, sum->received), "are missing");
	spoil(block, less(sum->received, sum->sent), "came twice");
	spoil(block, sum->corrupt, "were not what was sent");
}

void bench_seen_own(struct bench_seen *seen)
{
	seen->used.wait_us = less(seen->used.wait_us, seen->beside_guest_us);
	seen->switch_wait_us = less(seen->switch_wait_us, seen->beside_switch_us);
}

json_t *bench_sum_block(const struct bench_sum *sum, enum bh_test test, uint64_t tsc_khz,
			const struct bench_seen *seen, bool trapped)
{
	struct disturb_gaps gaps = {.over = sum->gaps.n,
				    .max_us = ticks_us(sum->gaps.max, tsc_khz),
				    .lost_us = ticks_us(sum->gaps.lost, tsc_khz),
				    .stall_us = ticks_us(sum->gaps.stalled, tsc_khz)};
	const struct disturb_offer offer = {};
	struct disturb_host used = seen->used;
	json_t *why = json_array(), *block;
	bool valid;

	/* as a path that lives in system calls: its long rounds are its own */
	used.system_us = trapped ? used.wall_us : 0;
	valid = disturb_valid("guest", &used, &gaps, &offer, false, DISTURB_LOST_RATE, why);
	block = json_pack("{s:b, s:o, s:f, s:f, s:{s:I, s:I, s:I, s:I}, s:I, s:I, s:I, s:I, s:o}",
			  "valid", valid, "why", why, "steal_ms", (double)used.steal_us / 1e3,
			  "wait_ms", (double)used.wait_us / 1e3, "gaps", "over20us",
			  (json_int_t)gaps.over, "max_us", (json_int_t)gaps.max_us, "lost_us",
			  (json_int_t)gaps.lost_us, "stall_us", (json_int_t)gaps.stall_us, "sent",
			  (json_int_t)sum->sent, "received", (json_int_t)sum->received, "missing",
			  (json_int_t)less(sum->sent, sum->received), "corrupt",
			  (json_int_t)sum->corrupt, "hist", hist_json(&sum->hist, tsc_khz));
	if (block && test == BH_THROUGHPUT)
		json_object_update_new(block,
				       json_pack("{s:f, s:f}", "mpps", bench_sum_mpps(sum, tsc_khz),
						 "gbps", bench_sum_gbps(sum, tsc_khz)));
	if (block)
		conserve(sum, block);
	return block;
}

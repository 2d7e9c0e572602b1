/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_json.h"

#include <math.h>

#define MIX_MEAN ((7 * 64 + 4 * 570 + 1518) / 12.0)

/* Tenths are all that a tick can tell. */
static double tenths(double v)
{
	return round(v * 10) / 10;
}

json_t *fp_hist_json(const struct hist *h, uint64_t tsc_hz)
{
	double ns = 1e9 / (double)tsc_hz;
	json_t *buckets = json_array();

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		/* the last one has all that is longer */
		double upper =
			i + 1 < HIST_BUCKETS ? (double)hist_value(i + 1) : (double)h->max + 1;

		if (h->bucket[i])
			json_array_append_new(buckets, json_pack("[f, I]", tenths(upper * ns),
								 (json_int_t)h->bucket[i]));
	}
	return json_pack("{s:s, s:I, s:f, s:f, s:o}", "unit", "ns", "n", (json_int_t)h->n, "min",
			 tenths((double)h->min * ns), "max", tenths((double)h->max * ns), "buckets",
			 buckets);
}

static json_t *drops_json(const struct fp_drops *d)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "rx_missed", (json_int_t)d->rx_missed, "rx_errors",
			 (json_int_t)d->rx_errors, "rx_nombuf", (json_int_t)d->rx_nombuf,
			 "tx_errors", (json_int_t)d->tx_errors);
}

json_t *fp_block_json(const struct fp_block *b)
{
	json_t *why = json_array(), *j;
	bool valid = disturb_valid("generator", &b->used, &b->gaps, &b->offer, b->gone, b->may_lose,
				   why);

	j = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "ok", true, "sent",
		      (json_int_t)b->sent, "received", (json_int_t)b->received, "missing",
		      (json_int_t)(b->sent - b->received), "corrupt", (json_int_t)b->corrupt,
		      "duplicate", (json_int_t)b->duplicate, "reordered", (json_int_t)b->reordered,
		      "foreign", (json_int_t)b->foreign, "gone", b->gone);
	json_object_set_new(
		j, "drops",
		json_pack("[o, o]", drops_json(&b->drops[0]), drops_json(&b->drops[1])));
	json_object_set_new(j, "gaps",
			    json_pack("{s:I, s:I, s:I, s:I}", "over20us", (json_int_t)b->gaps.over,
				      "max_us", (json_int_t)b->gaps.max_us, "lost_us",
				      (json_int_t)b->gaps.lost_us, "stall_us",
				      (json_int_t)b->gaps.stall_us));
	json_object_set_new(j, "steal_ms", json_real((double)b->used.steal_us / 1000));
	json_object_set_new(j, "wait_ms", json_real((double)b->used.wait_us / 1000));
	json_object_set_new(j, "system_ms", json_real((double)b->used.system_us / 1000));
	json_object_set_new(j, "switches", json_integer((json_int_t)b->used.switches));
	json_object_set_new(j, "valid", json_boolean(valid));
	json_object_set_new(j, "why", why);
	return j;
}

static double per(double what, uint64_t n)
{
	return n ? what / (double)n : 0;
}

void fp_window_json(const struct fp_block *b, uint32_t size, uint64_t tsc_hz, json_t *to)
{
	double us = (double)b->window_ticks * 1e6 / (double)tsc_hz;
	double mpps = us > 0 ? (double)b->window_received / us : 0;
	_cleanup_(json_decrefp) json_t *j = NULL;

	j = json_pack("{s:f, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I}", "window_ms",
		      us / 1000, "window_sent", (json_int_t)b->window_sent, "window_received",
		      (json_int_t)b->window_received, "mpps", mpps, "gbps",
		      mpps * (size ? size : MIX_MEAN) * 8 / 1000, "offered_mpps",
		      us > 0 ? (double)b->window_sent / us : 0.0, "busy_cycles",
		      per((double)b->busy_ticks, b->window_received), "idle_cycles",
		      per((double)b->idle_ticks, b->window_received), "polls", (json_int_t)b->polls,
		      "empty_polls", (json_int_t)b->empty_polls, "written_off",
		      (json_int_t)b->written_off);
	json_object_update(to, j);
}

static json_t *span_json(const struct fp_span *s, double unit)
{
	return json_pack("{s:f, s:f}", "min", tenths(s->min / unit), "median",
			 tenths(s->median / unit));
}

json_t *fp_calib_json(const struct fp_calib *c, uint64_t tsc_hz, double ceiling_mpps)
{
	json_t *j =
		json_pack("{s:b, s:I, s:b, s:f, s:[{s:i, s:f}, {s:i, s:f}, {s:i, s:f}], "
			  "s:{s:f, s:f}}",
			  "ok", true, "tsc_hz", (json_int_t)tsc_hz, "invariant", c->invariant,
			  "ceiling_mpps", ceiling_mpps, "memcpy", "bytes", 64, "ns", c->memcpy_64,
			  "bytes", 1518, "ns", c->memcpy_1518, "bytes", 16 << 20, "ns",
			  c->memcpy_16m, "clock", "tsc_ns", c->tsc_ns, "gettime_ns", c->gettime_ns);

	json_object_set_new(j, "c2c",
			    c->pair ? json_pack("{s:o, s:o}", "same_line",
						span_json(&c->same_line, 1), "two_lines",
						span_json(&c->two_lines, 1))
				    : json_null());
	json_object_set_new(j, "wake_us", c->pair ? span_json(&c->wake, 1000) : json_null());
	return j;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "bench.h"
#include <cli/stats.h>

#define FRAME_64       60 /* bytes the guest hands over; 4 of CRC follow on the wire */
#define FRAME_1518     1514
#define CRC_BYTES      4
#define RTT_WARMUP     32
#define SETTLE_US      30000 /* the switch of the path before goes to sleep */
#define LOAD_WARMUP_US 100000
#define LOAD_US	       500000
#define LOAD_BURST     32
#define TIMEOUT_US     60000000

/* How a path's round trips are asked for: those that trap take hundreds of times as long. */
struct rtt_plan {
	uint64_t times;	 /* samples, as a multiple of what was wished */
	uint64_t settle; /* not recorded at the start: the switch wakes, caches warm */
	uint64_t chunk;	 /* samples a request: none takes longer than some seconds */
};

static const struct rtt_plan rtt_trapped = {.times = 1, .settle = 50, .chunk = 2000};
static const struct rtt_plan rtt_direct = {.times = 10, .settle = 5000, .chunk = 1000000};

int bench_request(struct bench *b, const struct bench_path *p, json_t *body, json_t **ret_result)
{
	json_auto_t *owned = body; /* whatever happens */
	json_auto_t *result = NULL;
	const char *kind = json_string_value(json_object_get(owned, "kind"));
	const char *source;
	json_int_t error, khz;
	int r;

	if (!owned)
		return -ENOMEM;
	r = api_call(b->cli, "POST", "/v1/vms/" BENCH_VM "/request", owned,
		     TIMEOUT_US / 1000 + API_TIMEOUT_MS, &result);
	if (r < 0)
		return r;
	error = json_integer_value(json_object_get(result, "error"));
	khz = json_integer_value(json_object_get(result, "tsc_khz"));
	if (error || khz <= 0) {
		fprintf(stderr, "sriovctl bench: %s over %s failed in the guest: %s\n", kind,
			p->name, error ? strerror((int)error) : "no TSC rate");
		return -EIO;
	}
	b->tsc_khz = (uint64_t)khz;
	source = json_string_value(json_object_get(json_object_get(result, "traps"), "source"));
	if (source)
		snprintf(b->trap_source, sizeof(b->trap_source), "%s", source);
	*ret_result = json_incref(result);
	return 0;
}

static uint64_t count_of(const json_t *object, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(object, key));

	return v < 0 ? 0 : (uint64_t)v;
}

static void add_traps(struct bench_traps *t, const json_t *result)
{
	const json_t *traps = json_object_get(result, "traps");

	t->bar_exits += count_of(traps, "bar_exits");
	t->messages += count_of(traps, "messages");
	t->kvm_exits += count_of(traps, "kvm_exits");
}

double bench_traps_per_packet(const struct bench_traps *traps, uint64_t packets)
{
	/*
	 * A trapped access is one exit at the VMM and one message at the soft NIC: both count the
	 * same thing, and neither may hide what the other saw.
	 */
	uint64_t n = traps->bar_exits > traps->messages ? traps->bar_exits : traps->messages;

	return packets ? (double)n / (double)packets : 0;
}

static int rtt_chunk(struct bench *b, struct bench_path *p, uint64_t count, uint64_t warmup,
		     struct hist *block)
{
	json_auto_t *result = NULL;
	static struct hist h;
	int r;

	r = bench_request(b, p,
			  json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:i}", "kind", "rtt", "a",
				    p->net[0], "b", p->net[1], "frame_bytes", FRAME_64, "count",
				    (json_int_t)count, "warmup", (json_int_t)warmup, "timeout_us",
				    TIMEOUT_US),
			  &result);
	if (r < 0)
		return r;
	if (stats_hist_decode(json_object_get(result, "hist"), &h) < 0 || !h.n) {
		fprintf(stderr, "sriovctl bench: no usable round trips over %s\n", p->name);
		return -EBADMSG;
	}
	hist_merge(block, &h);
	hist_merge(&p->rtt, &h);
	p->rtt_packets += 2 * (h.n + warmup);
	p->lost += count_of(result, "lost");
	p->corrupt += count_of(result, "corrupt");
	add_traps(&p->rtt_traps, result);
	return 0;
}

static int rtt_block(struct bench *b, struct bench_path *p)
{
	const struct rtt_plan *plan = p == &b->path[BENCH_EMULATED] ? &rtt_trapped : &rtt_direct;
	/* one in a hundred more than was asked for: on a busy host an answer may come too late */
	uint64_t wanted = b->samples + b->samples / 100;
	uint64_t left = (wanted + b->rounds - 1) / b->rounds * plan->times;
	uint64_t warmup = plan->settle;
	static struct hist block;
	int r;

	block = (struct hist){};
	while (left) {
		uint64_t n = left < plan->chunk ? left : plan->chunk;

		r = rtt_chunk(b, p, n, warmup, &block);
		if (r < 0)
			return r;
		left -= n;
		warmup = RTT_WARMUP;
	}
	p->p50_ns[b->n_rounds] = stats_ticks_ns(hist_percentile(&block, 5000), b->tsc_khz);
	return 0;
}

/* Both directions at once; packets and bits a second that arrived, CRC included. */
static int load_block(struct bench *b, struct bench_path *p, int frame_bytes, double *ret_mpps,
		      double *ret_gbps)
{
	json_auto_t *result = NULL;
	uint64_t ticks, received, bytes;
	double seconds;
	int r;

	r = bench_request(b, p,
			  json_pack("{s:s, s:s, s:s, s:i, s:b, s:i, s:i, s:i, s:i}", "kind",
				    "throughput", "a", p->net[0], "b", p->net[1], "frame_bytes",
				    frame_bytes, "bidir", 1, "duration_us", LOAD_US, "warmup_us",
				    LOAD_WARMUP_US, "timeout_us", TIMEOUT_US, "burst", LOAD_BURST),
			  &result);
	if (r < 0)
		return r;
	ticks = count_of(result, "ticks");
	received = count_of(result, "received");
	bytes = count_of(result, "bytes");
	if (!ticks || !received) {
		fprintf(stderr, "sriovctl bench: no frame of %d bytes came through %s\n",
			frame_bytes + CRC_BYTES, p->name);
		return -EIO;
	}
	seconds = stats_ticks_ns(ticks, b->tsc_khz) / 1e9;
	p->corrupt += count_of(result, "corrupt");
	/* traps were counted during the warm-up as well, packets were not */
	p->load_packets += received * (LOAD_US + LOAD_WARMUP_US) / LOAD_US;
	add_traps(&p->load_traps, result);
	*ret_mpps = (double)received / seconds / 1e6;
	*ret_gbps = (double)(bytes + received * CRC_BYTES) * 8 / seconds / 1e9;
	return 0;
}

static int measure_path(struct bench *b, struct bench_path *p)
{
	double mpps, gbps;
	int r;

	usleep(SETTLE_US);
	r = rtt_block(b, p);
	if (r < 0)
		return r;
	r = load_block(b, p, FRAME_64, &p->mpps_64[b->n_rounds], &gbps);
	if (r < 0)
		return r;
	r = load_block(b, p, FRAME_1518, &mpps, &p->gbps_1518[b->n_rounds]);
	if (r < 0)
		return r;
	fprintf(stderr, "  %s %.2f us, %.3f Mpps, %.2f Gbit/s;", p->name,
		p->p50_ns[b->n_rounds] / 1e3, p->mpps_64[b->n_rounds], p->gbps_1518[b->n_rounds]);
	return 0;
}

int bench_rounds(struct bench *b)
{
	/* all orders of three, so that no path always follows the same one */
	static const uint8_t orders[6][BENCH_PATHS] = {
		{2, 1, 0}, {1, 0, 2}, {0, 2, 1}, {2, 0, 1}, {0, 1, 2}, {1, 2, 0},
	};

	for (b->n_rounds = 0; b->n_rounds < b->rounds; b->n_rounds++) {
		fprintf(stderr, "bench: round %u of %" PRIu64 ":", b->n_rounds + 1, b->rounds);
		for (unsigned int i = 0; i < BENCH_PATHS; i++) {
			int r = measure_path(b, &b->path[orders[b->n_rounds % 6][i]]);

			if (r < 0) {
				fputc('\n', stderr);
				return r;
			}
		}
		fputc('\n', stderr);
	}
	return 0;
}

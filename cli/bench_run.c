/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cli/stats.h>
#include <lib/clock.h>

#include "api.h"
#include "bench.h"

#define CRC_BYTES   4u
#define RTT_WARMUP  32
#define SETTLE_US   30000 /* the switch of the path before goes to sleep */
#define TIMEOUT_US  60000000
#define TRIES	    10u
#define LOST_SWITCH 50u /* of a block, in thousandths; as for the switches of the host bench */

/* How a path's round trips are asked for: those that trap take hundreds of times as long. */
struct rtt_plan {
	uint64_t times;	 /* samples, as a multiple of what was wished */
	uint64_t quick;	 /* the same where blocks are to be short, yet not too short to be judged */
	uint64_t settle; /* not recorded at the start: the switch wakes, caches warm */
	uint64_t chunk;	 /* samples a request: none takes longer than some seconds */
};

static const struct rtt_plan rtt_trapped = {.times = 1, .quick = 1, .settle = 50, .chunk = 2000};
static const struct rtt_plan rtt_direct = {
	.times = 10, .quick = 40, .settle = 5000, .chunk = 1000000};

/* A request was refused: does the guest still run? What became of it, if not. */
static bool guest_runs(struct bench *b)
{
	json_auto_t *vm = NULL;
	const char *state, *reason;
	char said[BENCH_TEXT];

	snprintf(said, sizeof(said), "%s", b->why);
	if (api_try(b->cli, "GET", "/v1/vms/" BENCH_VM, NULL, API_TIMEOUT_MS, &vm) < 0)
		return false;
	state = json_string_value(json_object_get(vm, "state"));
	reason = json_string_value(json_object_get(vm, "reason"));
	if (state && !strcmp(state, "running"))
		return true;
	if (state)
		snprintf(b->why, sizeof(b->why), "%s is %.16s%s%.100s; %.160s", BENCH_VM, state,
			 reason ? ": " : "", reason ?: "", said);
	return false;
}

int bench_request(struct bench *b, json_t *body, json_t **ret_result)
{
	json_auto_t *owned = body; /* whatever happens */
	json_auto_t *result = NULL;
	const char *kind = json_string_value(json_object_get(owned, "kind"));
	const char *source;
	json_int_t error, khz;
	int r;

	if (!owned)
		return -ENOMEM;
	r = api_told(b->cli, "POST", "/v1/vms/" BENCH_VM "/request", owned,
		     TIMEOUT_US / 1000 + API_TIMEOUT_MS, b->why, sizeof(b->why), &result);
	/* such as a net that is not attached any more, as its NIC died */
	if (r == -EREMOTEIO && guest_runs(b))
		r = -EIO;
	if (r < 0)
		return r;
	error = json_integer_value(json_object_get(result, "error"));
	khz = json_integer_value(json_object_get(result, "tsc_khz"));
	if (error || khz <= 0) {
		snprintf(b->why, sizeof(b->why), "%s failed in the guest: %s", kind,
			 error ? strerror((int)error) : "no TSC rate");
		return -EIO;
	}
	b->tsc_khz = (uint64_t)khz;
	source = json_string_value(json_object_get(json_object_get(result, "traps"), "source"));
	if (source)
		snprintf(b->trap_source, sizeof(b->trap_source), "%s", source);
	*ret_result = json_incref(result);
	return 0;
}

void bench_failed(struct bench *b, struct bench_path *p)
{
	p->failed = true;
	snprintf(p->reason, sizeof(p->reason), "%s", b->why);
	fprintf(stderr, " %s failed: %s;", p->name, p->reason);
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

static int add(struct bench *b, json_t *body, struct bench_sum *sum)
{
	json_auto_t *result = NULL;
	int r = bench_request(b, body, &result);

	if (r < 0)
		return r;
	if (bench_sum_add(sum, result) < 0) {
		snprintf(b->why, sizeof(b->why), "the guest's counts contradict each other");
		return -EIO;
	}
	return sum->received ? 0 : -ENODATA;
}

static int trips(struct bench *b, const struct bench_path *p, const struct bh_block *block,
		 struct bench_sum *sum)
{
	const struct rtt_plan *plan = p->trapped ? &rtt_trapped : &rtt_direct;
	/* one in a hundred more than was asked for: on a busy host an answer may come too late */
	uint64_t wanted = b->samples + b->samples / 100;
	uint64_t left = (wanted + b->plan.rounds - 1) / b->plan.rounds *
			(b->plan.quick ? plan->quick : plan->times);
	uint64_t warmup = plan->settle;

	while (left) {
		uint64_t n = left < plan->chunk ? left : plan->chunk;
		int r = add(b,
			    json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:i}", "kind", "rtt", "a",
				      p->net[0], "b", p->net[1], "frame_bytes",
				      (int)(block->size - CRC_BYTES), "count", (json_int_t)n,
				      "warmup", (json_int_t)warmup, "timeout_us", TIMEOUT_US),
			    sum);

		if (r < 0)
			return r;
		left -= n;
		sum->warmup += warmup;
		warmup = RTT_WARMUP;
	}
	return 0;
}

/* Both directions at once, at most as many frames under way as no ring overflows by. */
static int load(struct bench *b, const struct bench_path *p, const struct bh_block *block,
		struct bench_sum *sum)
{
	return add(b,
		   json_pack("{s:s, s:s, s:s, s:i, s:b, s:I, s:I, s:i, s:i}", "kind", "throughput",
			     "a", p->net[0], "b", p->net[1], "frame_bytes",
			     (int)(block->size - CRC_BYTES), "bidir", !block->one_way,
			     "duration_us", (json_int_t)block->ms * 1000, "warmup_us",
			     (json_int_t)block->discard_ms * 1000, "timeout_us", TIMEOUT_US,
			     "burst", (int)block->burst),
		   sum);
}

/* What is told beside the blocks; the second visit of a round is for A/A alone. */
static void remember(struct bench *b, struct bench_path *p, const struct bh_block *block,
		     const struct bench_sum *sum, unsigned int round)
{
	struct bench_traps *traps = &p->load_traps;

	p->corrupt += sum->corrupt;
	p->lost += sum->sent > sum->received ? sum->sent - sum->received : 0;
	if (block->test == BH_PINGPONG) {
		traps = &p->rtt_traps;
		hist_merge(&p->rtt, &sum->hist);
		p->rtt_packets += 2 * (sum->hist.n + sum->warmup);
		p->p50_ns[round] = stats_ticks_ns(hist_percentile(&sum->hist, 5000), b->tsc_khz);
	} else {
		/* traps were counted during the warm-up as well, packets were not */
		p->load_packets += sum->received * (block->ms + block->discard_ms) / block->ms;
		if (block->size == 64)
			p->mpps_64[round] = bench_sum_mpps(sum, b->tsc_khz);
		else
			p->gbps_1518[round] = bench_sum_gbps(sum, b->tsc_khz);
	}
	traps->bar_exits += sum->traps.bar_exits;
	traps->messages += sum->traps.messages;
	traps->kvm_exits += sum->traps.kvm_exits;
}

/* A switch that did not run at all on a crowded host is asked again, one that is broken is not. */
static int ask(struct bench *b, struct bench_path *p, const struct bh_block *block,
	       struct bench_sum *sum, struct bench_seen *ret_seen)
{
	static struct bench_watch watch;
	int r = -ENODATA;

	for (unsigned int i = 0; i < TRIES && r == -ENODATA; i++) {
		*sum = (struct bench_sum){};
		bench_watch_begin(&watch, b->vm_pid, p->switch_pid);
		r = block->test == BH_PINGPONG ? trips(b, p, block, sum) : load(b, p, block, sum);
		bench_watch_end(&watch, ret_seen);
	}
	if (r != -ENODATA)
		return r;
	snprintf(b->why, sizeof(b->why), "no frame came through, %u times", TRIES);
	return -EIO;
}

static int measure(struct bench *b, struct bench_path *p, const struct bh_block *block,
		   const struct bench_place *at)
{
	static struct bench_sum sum;
	json_auto_t *answer = NULL;
	struct bench_seen seen;
	int r;

	r = ask(b, p, block, &sum, &seen);
	if (r < 0)
		return r;
	if (p->trapped)
		bench_seen_own(&seen);
	b->cpu_guest = seen.cpu_guest;
	p->cpu_switch = seen.cpu_switch;
	answer = bench_sum_block(&sum, block->test, b->tsc_khz, &seen, p->trapped);
	if (!answer)
		return -ENOMEM;
	if (p->switch_pid)
		bench_block_waits(answer, seen.switch_wait_us,
				  seen.used.wall_us * LOST_SWITCH / 1000, seen.used.wall_us);
	r = bench_block_place(answer, p->name, block, 0, at);
	if (r >= 0 && json_array_append(b->blocks, answer) < 0)
		r = -ENOMEM;
	if (r >= 0 && !at->repeat)
		remember(b, p, block, &sum, at->round);
	return r;
}

static int visit(struct bench *b, struct bench_path *p, const struct bench_place *at)
{
	struct bh_block blocks[BH_BLOCKS_MAX];
	unsigned int n = bh_plan_visit(&b->plan, p->traits, at->round, at->repeat, blocks);
	int r = 0;

	clock_sleep_us(SETTLE_US);
	for (unsigned int i = 0; i < n && r >= 0; i++)
		r = measure(b, p, &blocks[i], at);
	if (r == -EIO) {
		/* the guest lives, and says that this one does not work */
		bench_failed(b, p);
		return 0;
	}
	if (r < 0)
		return r;
	if (at->repeat) {
		fprintf(stderr, " %s';", p->name);
		return 0;
	}
	p->n_rounds = at->round + 1;
	fprintf(stderr, " %s %.2f us %.3f Mpps %.2f Gbit/s;", p->name, p->p50_ns[at->round] / 1e3,
		p->mpps_64[at->round], p->gbps_1518[at->round]);
	return 0;
}

/* The core-to-core round trip of this very moment; the guest sleeps meanwhile. */
static double c2c_now(void)
{
	struct calib c;

	return calib_run(&c) < 0 ? 0 : c.rtt_median_ns;
}

static int round_of(struct bench *b, unsigned int round, uint64_t *random)
{
	unsigned int stop[BENCH_PATHS + 1], order[BENCH_PATHS + 1], n = 0;

	for (unsigned int i = 0; i < BENCH_PATHS; i++)
		stop[n++] = i;
	stop[n++] = BENCH_VF;
	bh_shuffle(order, n, random);
	for (unsigned int i = 0; i < n; i++) {
		struct bench_path *p = &b->path[stop[order[i]]];
		struct bench_place at = {
			.round = round, .order = i, .repeat = order[i] == BENCH_PATHS};
		int r;

		if (p->failed)
			continue;
		if (p->traits & BH_TRAIT_AA)
			at.c2c_ns = c2c_now();
		r = visit(b, p, &at);
		if (r < 0) {
			if (r != -EINTR)
				fprintf(stderr, "\nsriovctl bench: round %u, %s: %s\n", round + 1,
					p->name, *b->why ? b->why : strerrordesc_np(-r));
			return r;
		}
	}
	return 0;
}

static bool any_left(const struct bench *b)
{
	for (unsigned int i = 0; i < BENCH_PATHS; i++)
		if (!b->path[i].failed)
			return true;
	return false;
}

int bench_rounds(struct bench *b)
{
	uint64_t random = b->seed, start = clock_us();

	fprintf(stderr, "bench: %u rounds, paths in random order (seed %llu)\n", b->plan.rounds,
		(unsigned long long)b->seed);
	for (unsigned int round = 0; round < b->plan.rounds; round++) {
		uint64_t spent;
		int r;

		fprintf(stderr, "bench: round %u of %u:", round + 1, b->plan.rounds);
		r = round_of(b, round, &random);
		if (r < 0) {
			fputc('\n', stderr);
			return r;
		}
		if (!any_left(b)) {
			fprintf(stderr, "\nsriovctl bench: no path is left\n");
			return -EIO;
		}
		spent = (clock_us() - start) / USEC_PER_SEC;
		fprintf(stderr, " %llu s, about %llu s to go\n", (unsigned long long)spent,
			(unsigned long long)(spent * (b->plan.rounds - round - 1) / (round + 1)));
	}
	return 0;
}

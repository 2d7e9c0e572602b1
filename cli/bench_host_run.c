/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounds of the host bench. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lib/clock.h>

#include "bench_block.h"
#include "bench_host.h"
#include "bench_host_alone.h"
#include "bench_host_search.h"
#include "bench_host_waits.h"

#define ANSWER_MS   15000u /* besides what a block lasts */
#define SETTLE_US   2000   /* after a switch goes on: its caches and its idle ladder */
#define PROBE_COUNT 8
#define PROBE_MS    200
#define RUNG_MS	    300
#define RUNG_TRIES  10u
#define LATE_TRIES  5u
#define LATE_US	    200000
/*
 * How much of a block others may run in the switch's place, in thousandths. A rate loses as much,
 * which both measurements of A/A do as well; a tail of latencies is made of it.
 */
#define LOST_RATE   50u
#define LOST_TAIL   5u

/* What is offered: given, or a share of what the path can do. */
static double offered(const struct bh_path *p, const struct bh_block *block)
{
	double own = block->test != BH_OPEN ? p->mpps
		     : p->mpps_one_way > 0  ? p->mpps_one_way
					    : p->mpps / 2;

	return block->share > 0 ? block->share * own : block->mpps;
}

static int sources(const struct bh_block *block)
{
	return block->macs ? (int)block->macs : 1;
}

/* A VF has one address, and who has learned them has as many as there are sources. */
static int destinations(const struct bh_path *p, const struct bh_block *block)
{
	return bh_filters(p) ? 1 : sources(block);
}

static json_t *request_of(const struct bh_path *p, const struct bh_block *block)
{
	const char *path = p->kind->name;

	switch (block->test) {
	case BH_THROUGHPUT:
		return json_pack("{s:s, s:s, s:i, s:i, s:s, s:i, s:i, s:s, s:f, s:i, s:i}", "op",
				 "throughput", "path", path, "size", (int)block->size, "burst",
				 (int)block->burst, "direction", block->one_way ? "one" : "both",
				 "discard_ms", (int)block->discard_ms, "measure_ms", (int)block->ms,
				 "mode", bench_block_mode(block), "mpps", offered(p, block),
				 "sources", sources(block), "destinations", destinations(p, block));
	case BH_PINGPONG:
		return json_pack("{s:s, s:s, s:i, s:i}", "op", "pingpong", "path", path, "size",
				 (int)block->size, "ms", (int)block->ms);
	case BH_OPEN:
		break;
	}
	return json_pack("{s:s, s:s, s:f, s:i, s:i, s:s, s:i, s:i}", "op", "open", "path", path,
			 "mpps", offered(p, block), "size", (int)block->size, "burst",
			 (int)block->burst, "schedule", bench_block_mode(block), "discard_ms",
			 (int)block->discard_ms, "ms", (int)block->ms);
}

/*
 * What the ports of the generator say they dropped. A port's rx_missed is the switch's own count of
 * full receive rings, which has them already.
 */
static uint64_t drops_of_ports(const json_t *answer)
{
	const json_t *port, *n;
	uint64_t sum = 0;
	const char *key;
	size_t i;

	json_array_foreach (json_object_get(answer, "drops"), i, port)
		json_object_foreach ((json_t *)port, key, n)
			sum += strcmp(key, "rx_missed") ? (uint64_t)json_integer_value(n) : 0;
	return sum;
}

/* Hardly a frame there and back; what came of earlier blocks meanwhile. */
static int probe(struct bench_host *b, const struct bh_path *p, uint64_t *ret_foreign)
{
	json_auto_t *answer = NULL;
	char why[BH_TEXT];
	int r;

	r = bh_engine_ask(&b->engine,
			  json_pack("{s:s, s:s, s:i, s:i, s:i}", "op", "pingpong", "path",
				    p->kind->name, "count", PROBE_COUNT, "discard", 0, "ms",
				    PROBE_MS),
			  PROBE_MS + ANSWER_MS, &answer, why);
	if (r >= 0)
		*ret_foreign = bench_block_count(answer, "foreign");
	return r;
}

/*
 * Frames of a switch of ours do not vanish: what was sent arrived or was counted. A switch that did
 * not run for a while may still have some when the block ends: those are waited for.
 */
static int conserve(struct bench_host *b, const struct bh_path *p, json_t *answer,
		    const struct bh_counters *before, struct bh_counters *after)
{
	uint64_t missing = bench_block_count(answer, "missing"), ports = drops_of_ports(answer),
		 late = 0;
	uint64_t known = after->dropped - before->dropped + ports;
	json_t *drops = json_object_get(answer, "drops");
	char why[128];

	for (unsigned int i = 0; missing > known + late && i < LATE_TRIES; i++) {
		uint64_t foreign;
		int r;

		clock_sleep_us(LATE_US);
		r = probe(b, p, &foreign);
		if (r < 0)
			return r == -EREMOTEIO ? 0 : r;
		late += foreign;
		if (bh_counters(p, after) == 0)
			known = after->dropped - before->dropped + ports;
	}
	if (json_is_array(drops))
		json_array_append_new(drops,
				      json_pack("{s:I, s:I}", "switch_dropped",
						(json_int_t)(after->dropped - before->dropped),
						"after_the_end", (json_int_t)late));
	if (late)
		bench_block_spoil(
			answer, "frames arrived after the end: the switch did not run for a while");
	if (missing <= known + late)
		return 0;
	bh_text(why, sizeof(why), "%llu frames are missing that no counter knows of",
		(unsigned long long)(missing - known - late));
	bench_block_spoil(answer, why);
	return 0;
}

static void waits_of(const struct bh_path *p, struct bh_waits *ret_waits)
{
	ret_waits->n = 0;
	for (unsigned int i = 0; i < p->n_procs; i++)
		if (p->proc[i].pid > 0)
			bh_waits_add(ret_waits, p->proc[i].pid);
}

static uint64_t wait_allowed_us(const struct bh_block *block)
{
	return (uint64_t)(block->discard_ms + block->ms) *
	       (block->test == BH_OPEN ? LOST_TAIL : LOST_RATE);
}

/* What a frame cost the switch: of the whole block, as the frames are that it received. */
static void note_cycles(json_t *answer, const struct bh_block *block,
			const struct bh_counters *before, const struct bh_counters *after)
{
	uint64_t frames = bench_block_count(answer, "received");

	if (block->test == BH_THROUGHPUT && frames && after->busy_tsc > before->busy_tsc)
		json_object_set_new(
			answer, "switch_cycles",
			json_real((double)(after->busy_tsc - before->busy_tsc) / (double)frames));
}

static void remember(struct bh_path *p, const struct bh_block *block, const json_t *answer,
		     uint64_t messages)
{
	double mpps = json_number_value(json_object_get(answer, "mpps"));

	p->packets +=
		bench_block_count(answer, "received") + bench_block_count(answer, "discarded");
	p->messages += messages > p->messages_block ? messages - p->messages_block : 0;
	if (block->test != BH_THROUGHPUT || block->size != 64 || block->burst != 32 || block->macs)
		return;
	if (block->one_way)
		p->mpps_one_way = mpps;
	else if (block->mpps <= 0 && block->share <= 0)
		p->mpps = mpps;
}

/* Return: 0, also when the path failed; -EINTR; another errno when the engine can do no more. */
static int measure(struct bench_host *b, struct bh_path *p, const struct bh_block *block,
		   const struct bench_place *at)
{
	struct bh_counters before, after;
	struct bench_place here = *at;
	json_auto_t *answer = NULL;
	struct bh_waits was, is;
	uint64_t start;
	char why[BH_TEXT];
	bool counted;
	pid_t alone;
	int r;

	if (bh_plan_breathes(b->alone_us, block)) {
		bh_park(p, true);
		bh_alone_breathe(b);
		bh_park(p, false);
		clock_sleep_us(SETTLE_US);
	}
	counted = bh_counters(p, &before) == 0;
	start = clock_us();
	waits_of(p, &was);
	alone = bh_alone_begin(b, p, &was);
	if (alone)
		waits_of(p, &was);
	r = bh_engine_ask(&b->engine, request_of(p, block), bh_block_ms(block) + ANSWER_MS, &answer,
			  why);
	waits_of(p, &is);
	bh_alone_end(b, alone);
	if (r < 0) {
		bh_path_fail(p, "round %u: %s", at->round + 1, why);
		return r == -EREMOTEIO ? 0 : r;
	}
	counted = counted && bh_counters(p, &after) == 0;
	if (p->ctl[0] && !counted)
		bench_block_spoil(answer, "the switch did not tell its counters");
	bench_block_waits(answer, bh_waits_since(&was, &is), wait_allowed_us(block),
			  clock_us() - start);
	remember(p, block, answer, counted ? after.messages - before.messages : 0);
	if (counted)
		note_cycles(answer, block, &before, &after);
	if (counted)
		r = conserve(b, p, answer, &before, &after);
	if (r < 0)
		return r;
	p->sent = bench_block_count(answer, "sent");
	p->missing = bench_block_count(answer, "missing");
	p->valid = json_is_true(json_object_get(answer, "valid"));
	json_object_del(answer, "ok");
	here.c2c_ns = b->calib.rtt_median_ns;
	r = bench_block_place(answer, p->kind->name, block, offered(p, block), &here);
	if (r >= 0 && block->macs)
		r = json_object_update_new(answer,
					   json_pack("{s:i, s:i}", "sources", sources(block),
						     "destinations", destinations(p, block)));
	if (r >= 0 && json_array_append(b->blocks, answer) < 0)
		r = -ENOMEM;
	return r;
}

/* Frames from many addresses are spoofed ones, unless the switch is told to let them through. */
static int measure_macs(struct bench_host *b, struct bh_path *p, const struct bh_block *block,
			const struct bench_place *at)
{
	int r = 0, off = bh_source_check(b, p, false), on;

	if (off >= 0)
		r = measure(b, p, block, at);
	on = bh_source_check(b, p, true);
	if ((off < 0 || on < 0) && p->state == BH_READY)
		bh_path_fail(p, "round %u: its check of sources cannot be changed: %s",
			     at->round + 1, strerrordesc_np(off < 0 ? -off : -on));
	return r;
}

/* Reading statistics costs accesses, too: how many there are when hardly a frame moves. */
static int probe_messages(struct bench_host *b, struct bh_path *p)
{
	struct bh_counters before, after;
	uint64_t foreign;
	int r;

	if (bh_counters(p, &before) < 0)
		return 0;
	r = probe(b, p, &foreign);
	if (r >= 0 && bh_counters(p, &after) == 0)
		p->messages_block = after.messages - before.messages;
	return r == -EREMOTEIO ? 0 : r;
}

/* What is wrong with a path costs that path; the engine's end, the run. */
static int of_engine(int r)
{
	return r == -EREMOTEIO ? 0 : r;
}

/* Between blocks it goes down the ladder: asked while frames move. */
static int note_rung(struct bench_host *b, struct bh_path *p)
{
	char why[BH_TEXT];
	int r;

	if (!p->ctl[0] || p->state != BH_READY)
		return 0;
	r = bh_engine_send(&b->engine, json_pack("{s:s, s:s, s:i}", "op", "pingpong", "path",
						 p->kind->name, "ms", RUNG_MS));
	if (r < 0)
		return r;
	/* a generator that waits for its CPU is silence, too */
	for (unsigned int i = 0; i < RUNG_TRIES && strcmp(p->rung, "spin"); i++) {
		clock_sleep_us(RUNG_MS * 1000 / (RUNG_TRIES + 1));
		bh_rung(p, p->rung, sizeof(p->rung));
	}
	return of_engine(bh_engine_answer(&b->engine, RUNG_MS + ANSWER_MS, NULL, why));
}

static int search(struct bench_host *b, struct bh_path *p, const struct bench_place *at)
{
	struct bh_search s;
	double share;
	int r = 0;

	bh_search_init(&s);
	while (r >= 0 && p->state == BH_READY && p->mpps > 0 && bh_search_next(&s, &share)) {
		struct bh_block block = bh_plan_trial(share);

		r = measure(b, p, &block, at);
		bh_search_tell(&s, p->sent, p->missing, p->valid);
	}
	return r;
}

/* What a search finds is told as a share of full speed: the two are measured one after the other.
 */
static int blocks_of(struct bench_host *b, struct bh_path *p, const struct bench_place *at)
{
	bool searches = bh_plan_searches(&b->plan, p->kind->traits, at->round, at->repeat);
	struct bh_block blocks[BH_BLOCKS_MAX];
	unsigned int n;
	int r = 0;

	n = bh_plan_visit(&b->plan, p->kind->traits, at->round, at->repeat, blocks);
	for (unsigned int i = 0; i < n && r >= 0 && p->state == BH_READY; i++) {
		r = (blocks[i].macs ? measure_macs : measure)(b, p, &blocks[i], at);
		if (i == 0 && r >= 0 && searches)
			r = search(b, p, at);
	}
	return r;
}

static int visit(struct bench_host *b, struct bh_path *p, const struct bench_place *at)
{
	int r;

	bh_alone_breathe(b);
	bh_park(p, false);
	clock_sleep_us(SETTLE_US);
	r = of_engine(bh_path_plug(b, p));
	if (r >= 0 && at->round == 0 && !at->repeat && !(p->kind->traits & BH_TRAIT_SLOW))
		r = probe_messages(b, p);
	if (at->round == 0 && !at->repeat && r >= 0)
		r = note_rung(b, p);
	r = r < 0 ? r : blocks_of(b, p, at);
	if (p->state == BH_READY && bh_path_dead(p))
		fprintf(stderr, "\nbench: %s: %s\n", p->kind->name, p->reason);
	if (r >= 0)
		r = of_engine(bh_path_unplug(b, p));
	bh_park(p, true);
	return r;
}

/* Paths that are there and due, those with A/A twice: what a round visits. */
static unsigned int stops_of(struct bench_host *b, unsigned int round, unsigned int *stop,
			     bool *repeat)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->n_paths; i++) {
		if (b->path[i].state != BH_READY ||
		    !bh_plan_due(&b->plan, b->path[i].kind->traits, round))
			continue;
		repeat[n] = false;
		stop[n++] = i;
		if (!(b->path[i].kind->traits & BH_TRAIT_AA))
			continue;
		repeat[n] = true;
		stop[n++] = i;
	}
	return n;
}

static int round_of(struct bench_host *b, unsigned int round, uint64_t *random)
{
	unsigned int stop[2 * BH_PATHS_MAX], order[2 * BH_PATHS_MAX];
	bool repeat[2 * BH_PATHS_MAX];
	unsigned int n = stops_of(b, round, stop, repeat);

	bh_shuffle(order, n, random);
	for (unsigned int i = 0; i < n; i++) {
		struct bh_path *p = &b->path[stop[order[i]]];
		struct bench_place at = {.round = round, .order = i, .repeat = repeat[order[i]]};
		int r;

		if (p->state != BH_READY)
			continue;
		r = visit(b, p, &at);
		if (r < 0)
			return r;
		if (p->state != BH_READY)
			fprintf(stderr, " %s failed: %s;", p->kind->name, p->reason);
		else
			fprintf(stderr, " %s%s %.2f", p->kind->name, at.repeat ? "'" : "", p->mpps);
	}
	return 0;
}

int bh_rounds(struct bench_host *b)
{
	uint64_t random = b->opt->seed, start = clock_us();

	fprintf(stderr, "bench: %u rounds, paths in random order (seed %llu); Mpps of 64 bytes:\n",
		b->plan.rounds, (unsigned long long)b->opt->seed);
	for (unsigned int round = 0; round < b->plan.rounds; round++) {
		uint64_t spent;
		int r;

		fprintf(stderr, "bench: round %u of %u:", round + 1, b->plan.rounds);
		r = round_of(b, round, &random);
		spent = (clock_us() - start) / USEC_PER_SEC;
		if (r < 0) {
			fputc('\n', stderr);
			return r;
		}
		fprintf(stderr, "; %llu s, about %llu s to go\n", (unsigned long long)spent,
			(unsigned long long)(spent * (b->plan.rounds - round - 1) / (round + 1)));
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_host_plan.h"

#include "bench_host_search.h"

#define LINE_BURST    32u
#define DRAIN_MS      110u /* the engine waits for stragglers after each block */
#define ALONE_MS      750u /* the kernel lets others in after 950, and a block may have lost some */
#define QUICK_ROUNDS  9u
#define FULL_ROUNDS   30u
#define CURVE_ROUNDS  9u
#define SEARCH_ROUNDS 5u /* of peers: as many as a median needs to be told */
#define CURVE_LOAD_MS 300u
#define QUICK_LOAD_MS 100u
#define FULL_LOAD_MS  500u

void bh_plan_init(struct bh_plan *plan, bool quick, unsigned int rounds)
{
	plan->quick = quick;
	plan->rounds = rounds ? rounds : quick ? QUICK_ROUNDS : FULL_ROUNDS;
	plan->curve_rounds = quick ? 0 : plan->rounds < CURVE_ROUNDS ? plan->rounds : CURVE_ROUNDS;
}

static struct bh_block load(const struct bh_plan *plan, unsigned int size, unsigned int burst)
{
	return (struct bh_block){
		.test = BH_THROUGHPUT,
		.size = size,
		.burst = burst,
		.ms = plan->quick ? QUICK_LOAD_MS : FULL_LOAD_MS,
		.discard_ms = plan->quick ? 30 : 100,
	};
}

/* A point of a curve: many of them, none of which is judged. */
static struct bh_block point(const struct bh_plan *plan, unsigned int size, unsigned int burst)
{
	struct bh_block block = load(plan, size, burst);

	block.ms = CURVE_LOAD_MS;
	return block;
}

static struct bh_block open_loop(const struct bh_plan *plan, double mpps, double share)
{
	return (struct bh_block){
		.test = BH_OPEN,
		.size = 64,
		.burst = 1,
		.mpps = mpps,
		.share = share,
		.ms = plan->quick ? QUICK_LOAD_MS : FULL_LOAD_MS,
		.discard_ms = plan->quick ? 20 : 50,
	};
}

/* The same load in other steps: bursts, and even ones instead of a Poisson process. */
static unsigned int schedules(const struct bh_plan *plan, struct bh_block *blocks, unsigned int n)
{
	static const unsigned int bursts[] = {4, 32};

	for (size_t i = 0; i < sizeof(bursts) / sizeof(*bursts); i++) {
		blocks[n] = open_loop(plan, 1, 0);
		blocks[n++].burst = bursts[i];
	}
	blocks[n] = open_loop(plan, 1, 0);
	blocks[n++].constant = true;
	return n;
}

/* What only the curves of the report need: rate over size and burst, latency over load. */
static unsigned int curves(const struct bh_plan *plan, unsigned int traits, struct bh_block *blocks)
{
	static const unsigned int sizes[] = {128, 256, 512, 1024, 0}; /* 0: a mix */
	static const unsigned int bursts[] = {1, 2, 4, 8, 16, 64, 128, 256};
	static const double loads[] = {0.1, 0.5, 2};
	static const double shares[] = {0.1, 0.5, 0.9};
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		blocks[n++] = point(plan, sizes[i], LINE_BURST);
	blocks[n] = point(plan, 64, LINE_BURST);
	blocks[n++].one_way = true;
	if (traits & BH_TRAIT_MACS) {
		blocks[n] = load(plan, 64, LINE_BURST);
		blocks[n++].macs = BH_MACS;
	}
	if (traits & BH_TRAIT_SLOW)
		return n;
	for (size_t i = 0; i < sizeof(bursts) / sizeof(*bursts); i++)
		if (bursts[i] != 1 || !(traits & BH_TRAIT_BURST))
			blocks[n++] = point(plan, 64, bursts[i]);
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		blocks[n++] = open_loop(plan, loads[i], 0);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		blocks[n++] = open_loop(plan, 0, shares[i]);
	return traits & BH_TRAIT_AA ? schedules(plan, blocks, n) : n;
}

bool bh_plan_searches(const struct bh_plan *plan, unsigned int traits, unsigned int round,
		      bool repeat)
{
	unsigned int rounds = traits & BH_TRAIT_AA ? plan->curve_rounds : SEARCH_ROUNDS;

	return !repeat && !(traits & (BH_TRAIT_SELF | BH_TRAIT_PLAIN)) && round < rounds &&
	       round < plan->curve_rounds;
}

/* No goal is judged by what is not tuned: enough rounds for a figure of it will do. */
bool bh_plan_due(const struct bh_plan *plan, unsigned int traits, unsigned int round)
{
	return !(traits & BH_TRAIT_PLAIN) || plan->quick || round < plan->curve_rounds;
}

struct bh_block bh_plan_trial(double share)
{
	return (struct bh_block){
		.test = BH_THROUGHPUT,
		.size = 64,
		.burst = LINE_BURST,
		.share = share,
		.ms = BH_SEARCH_MS,
		.discard_ms = 50,
	};
}

unsigned int bh_plan_visit(const struct bh_plan *plan, unsigned int traits, unsigned int round,
			   bool repeat, struct bh_block *blocks)
{
	bool curve = round < plan->curve_rounds && !repeat && !(traits & BH_TRAIT_PLAIN);
	unsigned int n = 0;

	blocks[n++] = load(plan, 64, LINE_BURST);
	if (traits & BH_TRAIT_SELF)
		return n;
	blocks[n++] = (struct bh_block){
		.test = BH_PINGPONG,
		.size = 64,
		.burst = 1,
		.ms = plan->quick ? 60 : 300,
	};
	if (repeat)
		return n;
	if (!plan->quick || (traits & (BH_TRAIT_LARGE | BH_TRAIT_PLAIN)))
		blocks[n++] = load(plan, 1518, LINE_BURST);
	if (traits & BH_TRAIT_BURST)
		blocks[n++] = load(plan, 64, 1);
	if (traits & BH_TRAIT_OPEN)
		blocks[n++] = open_loop(plan, 1, 0);
	if (curve)
		n += curves(plan, traits, blocks + n);
	return n;
}

unsigned int bh_block_ms(const struct bh_block *block)
{
	return block->discard_ms + block->ms + (block->test == BH_PINGPONG ? 10 : DRAIN_MS);
}

bool bh_plan_breathes(uint64_t alone_us, const struct bh_block *block)
{
	return alone_us / 1000 + bh_block_ms(block) > ALONE_MS;
}

uint64_t bh_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void bh_shuffle(unsigned int *order, unsigned int n, uint64_t *state)
{
	for (unsigned int i = 0; i < n; i++)
		order[i] = i;
	for (unsigned int i = n; i > 1; i--) {
		unsigned int j = (unsigned int)(bh_random(state) % i), kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
}

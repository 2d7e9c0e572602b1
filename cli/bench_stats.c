/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/bench_stats.h>

#include <stdint.h>
#include <string.h>

#define RESAMPLES 2000u
#define SEED	  0x5eed0fbe9c4ull

/* A counter through two multiplications: enough to draw rounds by, and the same everywhere. */
static uint64_t draw(uint64_t *state)
{
	uint64_t v;

	*state += 0x9e3779b97f4a7c15ull;
	v = *state;
	v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93ull;
	v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93ull;
	return v ^ (v >> 32);
}

static size_t draw_below(uint64_t *state, size_t n)
{
	return (size_t)(((draw(state) >> 32) * n) >> 32);
}

static void swap(double *a, double *b)
{
	double t = *a;

	*a = *b;
	*b = t;
}

/* Puts the value of rank @k at its place: nothing after it is smaller, nothing before it larger. */
static double select_rank(double *v, size_t n, size_t k)
{
	size_t from = 0, to = n - 1;

	while (from < to) {
		double pivot = v[from + (to - from) / 2];
		size_t i = from, j = to;

		while (i <= j) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i > j)
				break;
			swap(&v[i], &v[j]);
			i++;
			if (!j)
				break;
			j--;
		}
		if (k <= j)
			to = j;
		else if (k >= i)
			from = i;
		else
			break;
	}
	return v[k];
}

double bstat_median(double *values, size_t n)
{
	double upper, lower;

	if (!n)
		return 0;
	upper = select_rank(values, n, n / 2);
	if (n % 2)
		return upper;
	lower = values[0];
	for (size_t i = 1; i < n / 2; i++)
		if (values[i] > lower)
			lower = values[i];
	return (lower + upper) / 2;
}

static double median_of(const double *values, size_t n)
{
	double copy[BSTAT_N_MAX];

	memcpy(copy, values, n * sizeof(*copy));
	return bstat_median(copy, n);
}

/* The median of as many values drawn with replacement. */
static double resample(uint64_t *state, const double *values, size_t n)
{
	double drawn[BSTAT_N_MAX];

	for (size_t i = 0; i < n; i++)
		drawn[i] = values[draw_below(state, n)];
	return bstat_median(drawn, n);
}

/* 2.5 % of the resamples lie below, 2.5 % above. */
static void interval(double *medians, struct bstat_estimate *e)
{
	e->lo = select_rank(medians, RESAMPLES, RESAMPLES / 40);
	e->hi = select_rank(medians, RESAMPLES, RESAMPLES - 1 - RESAMPLES / 40);
}

struct bstat_estimate bstat_estimate(const double *values, size_t n)
{
	struct bstat_estimate e = {.n = n < BSTAT_N_MAX ? n : BSTAT_N_MAX};
	double medians[RESAMPLES];
	uint64_t state = SEED;

	if (!e.n)
		return e;
	e.value = median_of(values, e.n);
	if (e.n == 1) {
		e.lo = e.hi = e.value;
		return e;
	}
	for (size_t i = 0; i < RESAMPLES; i++)
		medians[i] = resample(&state, values, e.n);
	interval(medians, &e);
	return e;
}

struct bstat_estimate bstat_change(const double *before, size_t n_before, const double *now,
				   size_t n_now)
{
	struct bstat_estimate e = {};
	double ratios[RESAMPLES], was;
	uint64_t state = SEED;

	n_before = n_before < BSTAT_N_MAX ? n_before : BSTAT_N_MAX;
	n_now = n_now < BSTAT_N_MAX ? n_now : BSTAT_N_MAX;
	if (!n_before || !n_now)
		return e;
	was = median_of(before, n_before);
	if (was <= 0)
		return e;
	e.n = n_before < n_now ? n_before : n_now;
	e.value = median_of(now, n_now) / was;
	for (size_t i = 0; i < RESAMPLES; i++) {
		double b = resample(&state, before, n_before);

		ratios[i] = resample(&state, now, n_now);
		/* a draw of zeros alone says nothing */
		ratios[i] = b > 0 ? ratios[i] / b : e.value;
	}
	interval(ratios, &e);
	return e;
}

struct bstat_estimate bstat_widen(struct bstat_estimate e, double resolution)
{
	double lo = e.value / (1 + resolution), hi = e.value * (1 + resolution);

	if (lo < e.lo)
		e.lo = lo;
	if (hi > e.hi)
		e.hi = hi;
	return e;
}

double bstat_resolution(const struct bstat_estimate *aa)
{
	double below = 1 - aa->lo, above = aa->hi - 1;

	if (!aa->n)
		return 0;
	below = below > 0 ? below : 0;
	return above > below ? above : below;
}

enum bstat_aa bstat_aa(const struct bstat_estimate *aa)
{
	if (!aa->n)
		return BSTAT_AA_NONE;
	if (aa->n < BSTAT_ROUNDS_MIN)
		return BSTAT_AA_FEW;
	return aa->lo <= 1 && aa->hi >= 1 ? BSTAT_AA_YES : BSTAT_AA_NO;
}

const char *bstat_aa_name(enum bstat_aa v)
{
	static const char *const names[] = {
		[BSTAT_AA_NONE] = "not measured",
		[BSTAT_AA_FEW] = "inconclusive",
		[BSTAT_AA_YES] = "yes",
		[BSTAT_AA_NO] = "no",
	};

	return names[v];
}

enum bstat_verdict bstat_judge(const struct bstat_bound *bound, struct bstat_estimate e,
			       double resolution)
{
	if (!e.n)
		return BSTAT_NOT_MEASURED;
	if (e.n < BSTAT_ROUNDS_MIN)
		return BSTAT_INCONCLUSIVE;
	e = bstat_widen(e, resolution);
	if (bound->at_least ? e.lo >= bound->goal : e.hi <= bound->goal)
		return BSTAT_GOAL;
	if (bound->at_least ? e.lo >= bound->floor : e.hi <= bound->floor)
		return BSTAT_FLOOR;
	if (bound->at_least ? e.hi < bound->floor : e.lo > bound->floor)
		return BSTAT_FAIL;
	return BSTAT_INCONCLUSIVE;
}

enum bstat_change bstat_differs(struct bstat_estimate change, double resolution)
{
	if (change.n < BSTAT_ROUNDS_MIN)
		return BSTAT_SAME;
	change = bstat_widen(change, resolution);
	if (change.lo > 1)
		return BSTAT_HIGHER;
	return change.hi < 1 ? BSTAT_LOWER : BSTAT_SAME;
}

const char *bstat_verdict_name(enum bstat_verdict v)
{
	static const char *const names[] = {
		[BSTAT_GOAL] = "goal",
		[BSTAT_FLOOR] = "floor",
		[BSTAT_FAIL] = "fail",
		[BSTAT_INCONCLUSIVE] = "inconclusive",
		[BSTAT_NOT_MEASURED] = "not measured",
	};

	return names[v];
}

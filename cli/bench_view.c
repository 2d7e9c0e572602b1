/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool value_of(const struct bench_block *b, enum view_kind kind, double *ret_value)
{
	bool full = b->test == BENCH_THROUGHPUT && b->mode == BENCH_CREDIT && b->both &&
		    !bench_block_many(b);

	switch (kind) {
	case VIEW_SIZES:
		*ret_value = b->size;
		return full && b->burst == 32;
	case VIEW_BURSTS:
		*ret_value = b->burst;
		return full && b->size == 64;
	case VIEW_LOADS:
		*ret_value = b->asked_mpps;
		return b->test == BENCH_OPEN && b->asked_mpps > 0 && b->burst == 1 &&
		       b->mode == BENCH_POISSON;
	}
	return false;
}

/* The mix of sizes comes after them. */
static double rank(double v, enum view_kind kind)
{
	return kind == VIEW_SIZES && v <= 0 ? 1e9 : v;
}

void view_values(const struct bench_doc *doc, enum view_kind kind, struct view_list *ret_list)
{
	struct view_list *l = ret_list;

	*l = (struct view_list){};
	for (size_t i = 0; i < doc->n_blocks; i++) {
		size_t at = 0;
		double v;

		if (!value_of(&doc->block[i], kind, &v))
			continue;
		while (at < l->n && rank(l->v[at], kind) < rank(v, kind) * 0.999)
			at++;
		if (at < l->n && rank(l->v[at], kind) <= rank(v, kind) * 1.001)
			continue;
		if (l->n == VIEW_MAX)
			continue;
		memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof(*l->v));
		l->v[at] = v;
		l->n++;
	}
}

/* Of valid blocks; if there is none, of what there is. */
static struct bstat_estimate pick_estimate(const struct bench_doc *doc,
					   const struct bench_pick *pick)
{
	double values[BENCH_N_ROUNDS];
	size_t n = bench_pick_values(doc, pick, false, values);
	struct bstat_estimate e;

	if (n)
		return bstat_estimate(values, n);
	e = bstat_estimate(values, bench_pick_values(doc, pick, true, values));
	e.disturbed = e.n;
	return e;
}

struct bstat_estimate view_rate(const struct bench_doc *doc, const char *path,
				enum bench_figure figure, unsigned int size, unsigned int burst)
{
	struct bench_pick pick = {.path = path,
				  .figure = figure,
				  .test = BENCH_THROUGHPUT,
				  .mode = BENCH_CREDIT,
				  .size = size,
				  .burst = burst};

	return pick_estimate(doc, &pick);
}

struct bstat_estimate view_search(const struct bench_doc *doc, const char *path,
				  enum bench_figure figure)
{
	struct bench_pick pick = {.path = path,
				  .figure = figure,
				  .test = BENCH_THROUGHPUT,
				  .mode = BENCH_RATE,
				  .size = 64,
				  .burst = 32};

	return pick_estimate(doc, &pick);
}

struct bstat_estimate view_trip(const struct bench_doc *doc, const char *path)
{
	struct bench_pick pick = {.path = path,
				  .figure = BENCH_P50,
				  .test = BENCH_PINGPONG,
				  .mode = BENCH_ONE,
				  .size = 64};

	return pick_estimate(doc, &pick);
}

double view_c2c(const struct bench_doc *doc)
{
	struct bench_pick pick = {.path = "vf",
				  .figure = BENCH_C2C,
				  .test = BENCH_PINGPONG,
				  .mode = BENCH_ONE,
				  .size = 64};

	return doc->c2c_ns > 0 ? doc->c2c_ns : pick_estimate(doc, &pick).value;
}

static bool merges(const struct bench_block *b, const struct view_hist *what)
{
	if (b->path != what->path || b->test != what->test || b->size != 64)
		return false;
	/* schedules do not mix */
	return b->test != BENCH_OPEN ||
	       (b->mode == (what->constant ? BENCH_CONSTANT : BENCH_POISSON) &&
		b->burst == (what->burst ? what->burst : 1) &&
		fabs(b->asked_mpps / what->asked_mpps - 1) <= 0.001);
}

static int merge(const struct bench_doc *doc, const struct view_hist *what, bool valid,
		 struct bench_hist *sum, double *ret_lost)
{
	double sent = 0, missing = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < doc->n_blocks; i++) {
		const struct bench_block *b = &doc->block[i];

		if (b->valid != valid || !merges(b, what))
			continue;
		r = bench_hist_merge(sum, what->actual ? &b->actual : &b->hist);
		sent += (double)b->sent;
		missing += (double)b->missing;
	}
	*ret_lost = sent > 0 ? missing / sent : 0;
	return r;
}

int view_merged(const struct bench_doc *doc, const struct view_hist *what,
		struct bench_hist *ret_hist, double *ret_lost)
{
	struct bench_hist sum = {};
	int r = merge(doc, what, true, &sum, ret_lost);

	if (r >= 0 && !sum.n) {
		r = merge(doc, what, false, &sum, ret_lost);
		sum.disturbed = true;
	}
	if (r < 0)
		bench_hist_done(&sum);
	else
		*ret_hist = sum;
	return r;
}

/* The first of @path that was measured so; there is one number of each in a run. */
static const struct bench_block *first_many(const struct bench_doc *doc, unsigned int path)
{
	for (size_t i = 0; i < doc->n_blocks; i++)
		if (doc->block[i].path == path && bench_block_many(&doc->block[i]))
			return &doc->block[i];
	return NULL;
}

/* What is left of the rate with one address, within rounds. */
static struct bstat_estimate many_over_one(const struct bench_doc *doc, const char *path)
{
	struct bench_pick pick = {.path = path,
				  .figure = BENCH_MPPS,
				  .test = BENCH_THROUGHPUT,
				  .mode = BENCH_CREDIT,
				  .size = 64,
				  .burst = 32};
	struct bench_series one, many;
	double ratio[BENCH_N_ROUNDS];
	size_t n = 0;

	bench_pick_series(doc, &pick, &one);
	pick.many = true;
	bench_pick_series(doc, &pick, &many);
	for (size_t i = 0; i < BENCH_N_ROUNDS; i++)
		if (one.there[i] && many.there[i] && one.valid[i] && many.valid[i] &&
		    one.value[i] > 0)
			ratio[n++] = many.value[i] / one.value[i];
	return bstat_estimate(ratio, n);
}

bool view_addresses(const struct bench_doc *doc, unsigned int path, char *text)
{
	const struct bench_block *b = first_many(doc, path);
	char value[VIEW_TEXT], lo[VIEW_TEXT], hi[VIEW_TEXT];
	struct bstat_estimate e;
	int n;

	if (!b)
		return false;
	e = many_over_one(doc, doc->path[path].name);
	n = snprintf(text, VIEW_SENTENCE,
		     "%.32s, %u source and %u destination addresses in turns: ",
		     doc->path[path].name, b->sources, b->destinations);
	if (!e.n)
		snprintf(text + n, VIEW_SENTENCE - (size_t)n, "no round is undisturbed.");
	else
		snprintf(text + n, VIEW_SENTENCE - (size_t)n,
			 "%.20s of its rate with one of each (%.20s to %.20s, %zu rounds).",
			 view_number(e.value, value), view_number(e.lo, lo), view_number(e.hi, hi),
			 e.n);
	return true;
}

const char *view_number(double v, char *text)
{
	if (v < 0)
		*text = '\0';
	else if (v <= 0)
		snprintf(text, VIEW_TEXT, "0");
	else if (v < 0.001 || v >= 1e9)
		snprintf(text, VIEW_TEXT, "%.1e", v);
	else if (v < 0.1)
		snprintf(text, VIEW_TEXT, "%.3g", v);
	else if (v < 0.995)
		snprintf(text, VIEW_TEXT, "%.3f", v);
	else if (v < 9.995)
		snprintf(text, VIEW_TEXT, "%.2f", v);
	else if (v < 99.95)
		snprintf(text, VIEW_TEXT, "%.1f", v);
	else
		snprintf(text, VIEW_TEXT, "%.0f", v);
	return text;
}

const char *view_ns(double ns, char *text)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	char number[VIEW_TEXT];
	unsigned int i = 0;

	while (ns >= 999.5 && i < 3) {
		ns /= 1000;
		i++;
	}
	snprintf(text, VIEW_TEXT, "%.20s %s", view_number(ns, number), units[i]);
	return text;
}

const char *view_percentile(const struct bench_hist *h, double p, char *text)
{
	char number[VIEW_TEXT];
	double ns;

	*text = '\0';
	if (bench_hist_percentile(h, p, &ns) >= 0)
		snprintf(text, VIEW_TEXT, h->disturbed ? "(%.40s)" : "%.40s", view_ns(ns, number));
	return text;
}

const char *view_estimate(const struct bstat_estimate *e, char *text)
{
	char number[VIEW_TEXT];

	*text = '\0';
	if (e->n)
		snprintf(text, VIEW_TEXT, e->disturbed ? "(%.40s)" : "%.40s",
			 view_number(e->value, number));
	return text;
}

const char *view_size(double size, char *text)
{
	if (size <= 0)
		snprintf(text, VIEW_TEXT, "mix");
	else
		snprintf(text, VIEW_TEXT, "%.0f B", size);
	return text;
}

const char *view_against(const struct bench_goal *g)
{
	if (!g->def->to.path)
		return *g->def->against ? g->def->against : g->def->unit;
	return strcmp(g->against, "vf") ? g->against : g->def->against;
}

bool view_sides(const struct bench_goal *g, char *text)
{
	char near[3][VIEW_TEXT], apart[3][VIEW_TEXT];

	if (g->near.n < BSTAT_ROUNDS_MIN || g->apart.n < BSTAT_ROUNDS_MIN)
		return false;
	snprintf(text, VIEW_SENTENCE,
		 "%s, CPUs near each other: %.20s (%.20s to %.20s, %zu rounds); apart: %.20s "
		 "(%.20s to %.20s, %zu rounds)",
		 g->def->id, view_number(g->near.value, near[0]), view_number(g->near.lo, near[1]),
		 view_number(g->near.hi, near[2]), g->near.n, view_number(g->apart.value, apart[0]),
		 view_number(g->apart.lo, apart[1]), view_number(g->apart.hi, apart[2]),
		 g->apart.n);
	return true;
}

const char *view_aa(const struct bstat_estimate *aa, const char *of, char *text)
{
	enum bstat_aa says = bstat_aa(aa);
	int n;

	if (says == BSTAT_AA_NONE) {
		snprintf(text, VIEW_SENTENCE, "A/A of %s: not measured.", of);
		return text;
	}
	n = snprintf(text, VIEW_SENTENCE,
		     "A/A of %s, vf over itself: interval %.3f to %.3f contains 1: ", of, aa->lo,
		     aa->hi);
	if (n < 0 || n >= (int)VIEW_SENTENCE)
		return text;
	if (says == BSTAT_AA_FEW)
		snprintf(text + n, VIEW_SENTENCE - (size_t)n,
			 "fewer than %u valid rounds do not tell.", BSTAT_ROUNDS_MIN);
	else if (says == BSTAT_AA_YES)
		snprintf(text + n, VIEW_SENTENCE - (size_t)n, "yes (%zu rounds).", aa->n);
	else
		snprintf(text + n, VIEW_SENTENCE - (size_t)n,
			 "no (%zu rounds). WARNING: ratios within %.1f %% of 1 mean nothing in "
			 "this run.",
			 aa->n, bstat_resolution(aa) * 100);
	return text;
}

size_t view_verdicts(const struct bench_judged *judged, enum bstat_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < judged->n_goals; i++)
		n += judged->goal[i].verdict == verdict;
	return n;
}

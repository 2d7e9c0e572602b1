/* SPDX-License-Identifier: BSD-3-Clause */
#include <cli/bench_goals.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_table.h"

static bool block_value(const struct bench_doc *doc, const struct bench_block *b,
			enum bench_figure figure, double *ret_value)
{
	switch (figure) {
	case BENCH_MPPS:
		*ret_value = b->mpps;
		return b->mpps >= 0;
	case BENCH_LOSSLESS:
		*ret_value = b->mpps;
		return b->mpps >= 0 && !b->missing;
	case BENCH_SOME_LOSS:
		*ret_value = b->mpps;
		return b->mpps >= 0 && (double)b->missing <= BENCH_LOSS_SOME * (double)b->sent;
	case BENCH_GBPS:
		*ret_value = b->gbps;
		return b->gbps >= 0;
	case BENCH_P50:
		return !bench_hist_percentile(&b->hist, 0.5, ret_value);
	case BENCH_P99:
		return !bench_hist_percentile(&b->hist, 0.99, ret_value);
	case BENCH_P999:
		return !bench_hist_percentile(&b->hist, 0.999, ret_value);
	case BENCH_C2C:
		*ret_value = b->c2c_ns > 0 ? b->c2c_ns : doc->c2c_ns;
		return *ret_value > 0;
	case BENCH_CYCLES:
		*ret_value = b->busy_cycles;
		return b->busy_cycles >= 0;
	case BENCH_SWITCH_CYCLES:
		*ret_value = b->switch_cycles;
		return b->switch_cycles >= 0;
	}
	return false;
}

bool bench_block_many(const struct bench_block *b)
{
	return b->sources > 1 || b->destinations > 1;
}

static bool picked(const struct bench_block *b, unsigned int path, const struct bench_pick *p)
{
	return b->path == path && b->test == (p->again ? BENCH_AA : p->test) &&
	       b->repeats == p->test && b->mode == p->mode && b->size == p->size &&
	       (!p->burst || b->burst == p->burst) && bench_block_many(b) == p->many &&
	       (p->test != BENCH_THROUGHPUT || b->both == !p->one_way) &&
	       (p->share <= 0 || fabs(b->share / p->share - 1) < 0.001) &&
	       (p->asked_mpps <= 0 ||
		(b->share <= 0 && fabs(b->asked_mpps / p->asked_mpps - 1) < 0.02));
}

/* Of several in a round the first that is valid, or the best rate of those that are. */
static bool better(const struct bench_series *s, const struct bench_block *b,
		   enum bench_figure figure, double v)
{
	if (!s->there[b->round] || s->valid[b->round] != b->valid)
		return !s->there[b->round] || b->valid;
	return (figure == BENCH_LOSSLESS || figure == BENCH_SOME_LOSS) && v > s->value[b->round];
}

size_t bench_pick_series(const struct bench_doc *doc, const struct bench_pick *pick,
			 struct bench_series *ret_series)
{
	int path = bench_doc_path(doc, pick->path);
	struct bench_series *s = ret_series;
	size_t n = 0;

	*s = (struct bench_series){};
	for (size_t i = 0; path >= 0 && i < doc->n_blocks; i++) {
		const struct bench_block *b = &doc->block[i];
		double v;

		if (!picked(b, (unsigned int)path, pick) || !block_value(doc, b, pick->figure, &v))
			continue;
		if (!better(s, b, pick->figure, v))
			continue;
		n += !s->there[b->round];
		s->there[b->round] = true;
		s->valid[b->round] = b->valid;
		s->value[b->round] = v;
		s->steal_ms[b->round] = b->steal_ms;
		s->c2c_ns[b->round] = b->c2c_ns;
	}
	return n;
}

size_t bench_pick_values(const struct bench_doc *doc, const struct bench_pick *pick, bool all,
			 double *values)
{
	struct bench_series s;
	size_t n = 0;

	bench_pick_series(doc, pick, &s);
	for (size_t i = 0; i < BENCH_N_ROUNDS; i++)
		if (s.there[i] && (all || s.valid[i]))
			values[n++] = s.value[i];
	return n;
}

/* The CPUs of both are as far apart: a hypervisor may move them between two blocks of a round. */
static bool alike(double a_ns, double b_ns)
{
	return a_ns <= 0 || b_ns <= 0 || (a_ns < b_ns * BENCH_MOVED && b_ns < a_ns * BENCH_MOVED);
}

/* Ratios within rounds. */
static size_t pair(const struct bench_doc *doc, const struct bench_pick *of,
		   const struct bench_pick *to, struct bench_dot *dots)
{
	struct bench_series a, b;
	size_t n = 0;

	bench_pick_series(doc, of, &a);
	bench_pick_series(doc, to, &b);
	for (unsigned int i = 0; i < BENCH_N_ROUNDS; i++) {
		if (!a.there[i] || !b.there[i] || b.value[i] <= 0)
			continue;
		dots[n].round = i;
		dots[n].ratio = a.value[i] / b.value[i];
		dots[n].steal_ms = a.steal_ms[i] + b.steal_ms[i];
		dots[n].c2c_ns = a.c2c_ns[i];
		dots[n].valid = a.valid[i] && b.valid[i] && alike(a.c2c_ns[i], b.c2c_ns[i]);
		n++;
	}
	return n;
}

static struct bstat_estimate estimate(const struct bench_dot *dots, size_t n, bool all)
{
	double values[BENCH_N_ROUNDS];
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (all || dots[i].valid)
			values[k++] = dots[i].ratio;
	return bstat_estimate(values, k);
}

/* The rounds by how far apart the CPUs were, if a run saw both. */
static void judge_sides(struct bench_goal *g)
{
	struct bench_dot near[BENCH_N_ROUNDS], apart[BENCH_N_ROUNDS];
	size_t n_near = 0, n_apart = 0;
	double least = INFINITY;

	for (size_t i = 0; i < g->n_dots; i++)
		if (g->dot[i].valid && g->dot[i].c2c_ns > 0)
			least = fmin(least, g->dot[i].c2c_ns);
	for (size_t i = 0; i < g->n_dots; i++) {
		if (!g->dot[i].valid || g->dot[i].c2c_ns <= 0)
			continue;
		if (alike(g->dot[i].c2c_ns, least))
			near[n_near++] = g->dot[i];
		else
			apart[n_apart++] = g->dot[i];
	}
	if (!n_apart)
		return;
	g->near = estimate(near, n_near, false);
	g->apart = estimate(apart, n_apart, false);
}

static void judge_ratio(const struct bench_doc *doc, const char *against, struct bench_goal *g)
{
	struct bench_pick to = g->def->to;

	to.path = against;
	g->against = against;
	g->n_dots = pair(doc, &g->def->of, &to, g->dot);
	g->estimate = estimate(g->dot, g->n_dots, false);
	g->all = estimate(g->dot, g->n_dots, true);
	for (size_t i = 0; i < g->n_dots; i++)
		g->excluded += !g->dot[i].valid;
	judge_sides(g);
}

/* The harder to beat of two. */
static void judge_either(const struct bench_doc *doc, struct bench_goal *g,
			 struct bench_goal *spare)
{
	*spare = (struct bench_goal){.def = g->def};
	judge_ratio(doc, g->def->or_path, spare);
	if (spare->n_dots && (!g->n_dots || spare->estimate.value < g->estimate.value))
		*g = *spare;
}

static void counted(struct bench_goal *g, double value, double of)
{
	if (value < 0 || of <= 0)
		return;
	value /= of;
	g->estimate = (struct bstat_estimate){value, value, value, BSTAT_ROUNDS_MIN, false};
	g->all = g->estimate;
}

/* The first count of @which for the VF; they may come from unlike runs. */
static void traps_of_vf(const struct bench_doc *doc, size_t which, struct bench_goal *g)
{
	for (size_t i = 0; i < doc->n_traps && !g->estimate.n; i++) {
		const struct bench_trap *t = &doc->trap[i];

		if (!strcmp(t->path, "vf"))
			counted(g, which ? t->kvm_exits : t->messages, t->packets);
	}
}

static void judge_counted(const struct bench_doc *doc, struct bench_goal *g)
{
	const char *id = g->def->id;

	g->against = "";
	if (!strcmp(id, "C1"))
		counted(g, doc->soft_nic_instructions, 1);
	else if (!strcmp(id, "C2"))
		counted(g, doc->vf_driver_instructions, doc->igb_pmd_instructions);
	else if (!strcmp(id, "C3"))
		counted(g, doc->vf_driver_instructions, 1);
	else if (!strcmp(id, "E1"))
		traps_of_vf(doc, 0, g);
	else if (!strcmp(id, "E3"))
		traps_of_vf(doc, 1, g);
	else if (!strcmp(id, "R1") && doc->have_resets && doc->reset_trials >= 1)
		counted(g, doc->reset_lost, 1);
}

/* Why there is no pair of blocks. */
static void why_not(const struct bench_doc *doc, struct bench_goal *g)
{
	const char *names[] = {g->def->of.path, g->against};

	if (!g->def->to.path) {
		snprintf(g->reason, sizeof(g->reason), "not counted in this run");
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		int path = bench_doc_path(doc, names[i]);

		if (path < 0) {
			snprintf(g->reason, sizeof(g->reason), "no path %s in this run", names[i]);
			return;
		}
		if (doc->path[path].state != BENCH_MEASURED) {
			snprintf(g->reason, sizeof(g->reason), "%s %s: %s", names[i],
				 doc->path[path].state == BENCH_FAILED ? "failed" : "is absent",
				 doc->path[path].reason);
			return;
		}
	}
	snprintf(g->reason, sizeof(g->reason), "this test was not run");
}

static void explain(const struct bench_doc *doc, double resolution, struct bench_goal *g)
{
	const struct bstat_bound *bound = &g->def->bound;
	bool missed;

	switch (g->verdict) {
	case BSTAT_NOT_MEASURED:
		why_not(doc, g);
		break;
	case BSTAT_INCONCLUSIVE:
		if (!g->estimate.n)
			snprintf(g->reason, sizeof(g->reason),
				 "every round was disturbed; of %zu such: %.3g (%.3g to %.3g)",
				 g->all.n, g->all.value, g->all.lo, g->all.hi);
		else if (g->estimate.n < BSTAT_ROUNDS_MIN)
			snprintf(g->reason, sizeof(g->reason), "fewer than %u valid rounds",
				 BSTAT_ROUNDS_MIN);
		else
			snprintf(g->reason, sizeof(g->reason),
				 "the interval, at least as wide as the resolution of %.1f %%, "
				 "contains the floor",
				 resolution * 100);
		break;
	case BSTAT_FLOOR:
		missed = bound->at_least ? g->estimate.hi < bound->goal
					 : g->estimate.lo > bound->goal;
		snprintf(g->reason, sizeof(g->reason), "the goal is %s",
			 missed ? "missed" : "inside the interval");
		break;
	case BSTAT_FAIL:
		snprintf(g->reason, sizeof(g->reason), "the whole interval is beyond the floor");
		break;
	case BSTAT_GOAL:
		break;
	}
}

double bench_resolution_of(const struct bench_judged *judged, const struct bench_goal_def *def)
{
	if (!def->to.path)
		return 0;
	if (def->of.test == BENCH_THROUGHPUT || !judged->aa_latency.n)
		return bstat_resolution(&judged->aa);
	return bstat_resolution(&judged->aa_latency);
}

static void judge_aa(const struct bench_doc *doc, struct bench_judged *j, struct bench_dot *dots)
{
	static const struct bench_pick rate = {.path = "vf",
					       .figure = BENCH_MPPS,
					       .test = BENCH_THROUGHPUT,
					       .mode = BENCH_CREDIT,
					       .size = 64,
					       .burst = 32};
	static const struct bench_pick trip = {.path = "vf",
					       .figure = BENCH_P50,
					       .test = BENCH_PINGPONG,
					       .mode = BENCH_ONE,
					       .size = 64};
	struct bench_pick again = rate;

	again.again = true;
	j->aa = estimate(dots, pair(doc, &again, &rate, dots), false);
	again = trip;
	again.again = true;
	j->aa_latency = estimate(dots, pair(doc, &again, &trip, dots), false);
}

int bench_judge_doc(const struct bench_doc *doc, struct bench_judged **ret_judged)
{
	_cleanup_(freep) struct bench_goal *spare = calloc(1, sizeof(*spare));
	struct bench_judged *j = calloc(1, sizeof(*j));

	if (!spare || !j) {
		free(j);
		return -ENOMEM;
	}
	j->n_goals = doc->guest ? BENCH_GUEST_GOALS : BENCH_GOALS;
	j->n_blocks = doc->n_blocks;
	for (size_t i = 0; i < doc->n_blocks; i++)
		j->n_invalid += !doc->block[i].valid;
	judge_aa(doc, j, spare->dot);
	for (size_t i = 0; i < j->n_goals; i++) {
		struct bench_goal *g = &j->goal[i];
		double resolution;

		g->def = doc->guest ? &bench_guest_table[i] : &bench_goal_table[i];
		if (g->def->to.path)
			judge_ratio(doc, g->def->to.path, g);
		else
			judge_counted(doc, g);
		if (g->def->or_path)
			judge_either(doc, g, spare);
		resolution = bench_resolution_of(j, g->def);
		g->verdict = bstat_judge(&g->def->bound, g->estimate, resolution);
		if (g->verdict == BSTAT_NOT_MEASURED && g->all.n)
			g->verdict = BSTAT_INCONCLUSIVE;
		explain(doc, resolution, g);
	}
	*ret_judged = j;
	return 0;
}

static json_t *write_dots(const struct bench_goal *g)
{
	json_t *dots = json_array();

	for (size_t i = 0; i < g->n_dots; i++)
		json_array_append_new(dots, json_pack("{s:i, s:f, s:b, s:f}", "round",
						      (int)g->dot[i].round, "ratio",
						      g->dot[i].ratio, "valid", g->dot[i].valid,
						      "steal_ms", g->dot[i].steal_ms));
	return dots;
}

static int write_estimate(json_t *o, const struct bstat_estimate *e)
{
	if (!e->n)
		return 0;
	if (json_object_set_new(o, "ratio", json_real(e->value)) < 0 ||
	    json_object_set_new(o, "ci", json_pack("[f, f]", e->lo, e->hi)) < 0)
		return -ENOMEM;
	return 0;
}

static int write_side(json_t *o, const char *key, const struct bstat_estimate *e)
{
	json_auto_t *side = json_pack("{s:I}", "rounds", (json_int_t)e->n);

	if (!e->n)
		return 0;
	return write_estimate(side, e) < 0 || json_object_set(o, key, side) < 0 ? -ENOMEM : 0;
}

static json_t *write_goal(const struct bench_goal *g)
{
	const struct bench_goal_def *d = g->def;
	json_auto_t *o =
		json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:s, s:I, s:I, s:o, s:s}", "id", d->id,
			  "what", d->what, "against", *g->against ? g->against : d->against, "unit",
			  d->unit, "floor", d->bound.floor, "goal", d->bound.goal, "direction",
			  d->bound.at_least ? "at_least" : "at_most", "rounds",
			  (json_int_t)g->estimate.n, "excluded", (json_int_t)g->excluded,
			  "per_round", write_dots(g), "verdict", bstat_verdict_name(g->verdict));
	json_t *all = json_object();

	if (write_estimate(all, &g->all) < 0 || json_object_set_new(o, "all", all) < 0 ||
	    write_estimate(o, &g->estimate) < 0 || write_side(o, "near", &g->near) < 0 ||
	    write_side(o, "apart", &g->apart) < 0)
		return NULL;
	if (*g->reason && json_object_set_new(o, "reason", json_string(g->reason)) < 0)
		return NULL;
	return json_incref(o);
}

static json_t *write_aa(const struct bstat_estimate *e)
{
	json_auto_t *o = json_pack("{s:I, s:s}", "rounds", (json_int_t)e->n, "contains_1",
				   bstat_aa_name(bstat_aa(e)));

	return write_estimate(o, e) < 0 ? NULL : json_incref(o);
}

int bench_judge_write(const struct bench_judged *judged, json_t *root)
{
	json_auto_t *goals = json_array(), *aa = write_aa(&judged->aa);

	for (size_t i = 0; i < judged->n_goals; i++)
		if (json_array_append_new(goals, write_goal(&judged->goal[i])) < 0)
			return -ENOMEM;
	if (judged->aa_latency.n &&
	    json_object_set_new(aa, "latency", write_aa(&judged->aa_latency)) < 0)
		return -ENOMEM;
	if (json_object_set(root, "goals", goals) < 0 || json_object_set(root, "aa", aa) < 0)
		return -ENOMEM;
	return 0;
}

int bench_judge(json_t *root, char *why, size_t size)
{
	_cleanup_(bench_doc_freep) struct bench_doc *doc = NULL;
	_cleanup_(freep) struct bench_judged *judged = NULL;
	int r;

	r = bench_doc_decode(root, why, size, &doc);
	if (r < 0)
		return r;
	r = bench_judge_doc(doc, &judged);
	if (r >= 0)
		r = bench_judge_write(judged, root);
	if (r < 0)
		snprintf(why, size, "out of memory");
	return r;
}

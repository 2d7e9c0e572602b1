/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_text.h"

#include <errno.h>
#include <string.h>

#include "bench_view.h"
#include "table.h"

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static const char *interval(const struct bstat_estimate *e, char *text)
{
	char lo[VIEW_TEXT], hi[VIEW_TEXT];

	*text = '\0';
	if (e->n)
		snprintf(text, VIEW_TEXT, "%.20s to %.20s", view_number(e->lo, lo),
			 view_number(e->hi, hi));
	return text;
}

static json_t *goal_row(const struct bench_goal *g)
{
	const struct bench_goal_def *d = g->def;
	char value[VIEW_TEXT] = "", span[VIEW_TEXT], low[VIEW_TEXT], high[VIEW_TEXT],
	     rounds[32] = "";

	if (g->estimate.n)
		view_number(g->estimate.value, value);
	snprintf(low, sizeof(low), "%g", d->bound.floor);
	snprintf(high, sizeof(high), "%g", d->bound.goal);
	if (d->to.path)
		snprintf(rounds, sizeof(rounds), "%zu", g->estimate.n);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", d->id, "what",
			 d->what, "against", view_against(g), "value", or_dash(value), "span",
			 or_dash(d->to.path ? interval(&g->estimate, span) : ""), "floor", low,
			 "goal", high, "rounds", or_dash(rounds), "verdict",
			 bstat_verdict_name(g->verdict));
}

static int print_goals(const struct bench_judged *judged)
{
	static const struct table_col cols[] = {
		{"ID", "id", false},	       {"WHAT", "what", false},
		{"AGAINST", "against", false}, {"VALUE", "value", true},
		{"95 %", "span", true},	       {"FLOOR", "floor", true},
		{"GOAL", "goal", true},	       {"ROUNDS", "rounds", true},
		{"VERDICT", "verdict", false}, {},
	};
	json_auto_t *rows = json_array();

	for (size_t i = 0; i < judged->n_goals; i++)
		if (json_array_append_new(rows, goal_row(&judged->goal[i])) < 0)
			return -ENOMEM;
	return table_print(rows, cols);
}

/* Full speed and round trips of one path. */
struct figures {
	char ndr[VIEW_TEXT], pdr[VIEW_TEXT], mpps[VIEW_TEXT], gbps[VIEW_TEXT], p50[VIEW_TEXT],
		p99[VIEW_TEXT], p999[VIEW_TEXT];
};

static int get_figures(const struct bench_doc *doc, unsigned int path, struct figures *f)
{
	const struct view_hist what = {.path = path, .test = BENCH_PINGPONG};
	const char *name = doc->path[path].name;
	struct bstat_estimate mpps = view_rate(doc, name, BENCH_MPPS, 64, 32);
	struct bstat_estimate gbps = view_rate(doc, name, BENCH_GBPS, 1518, 32);
	struct bstat_estimate ndr = view_search(doc, name, BENCH_LOSSLESS);
	struct bstat_estimate pdr = view_search(doc, name, BENCH_SOME_LOSS);
	struct bench_hist h;
	double lost;
	int r;

	view_estimate(&mpps, f->mpps);
	view_estimate(&ndr, f->ndr);
	view_estimate(&pdr, f->pdr);
	view_estimate(&gbps, f->gbps);
	r = view_merged(doc, &what, &h, &lost);
	if (r < 0)
		return r;
	view_percentile(&h, 0.5, f->p50);
	view_percentile(&h, 0.99, f->p99);
	view_percentile(&h, 0.999, f->p999);
	bench_hist_done(&h);
	return 0;
}

/* The guest's generator does not search for the rate that loses nothing. */
static const struct table_col guest_cols[] = {
	{"PATH", "path", false},	{"STATE", "state", false}, {"MPPS-64B", "mpps", true},
	{"GBIT/S-1518B", "gbps", true}, {"RTT-P50", "p50", true},  {"RTT-P99", "p99", true},
	{"RTT-P99.9", "p999", true},	{"WHAT", "what", false},   {},
};

static const struct table_col host_cols[] = {
	{"PATH", "path", false},
	{"STATE", "state", false},
	{"MPPS-64B", "mpps", true},
	{"NDR", "ndr", true},
	{"PDR-0.5%", "pdr", true},
	{"GBIT/S-1518B", "gbps", true},
	{"RTT-P50", "p50", true},
	{"RTT-P99", "p99", true},
	{"RTT-P99.9", "p999", true},
	{"WHAT", "what", false},
	{},
};

static int print_paths(const struct bench_doc *doc)
{
	static const char *const states[] = {"measured", "failed", "absent"};
	json_auto_t *rows = json_array();

	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct bench_way *w = &doc->path[i];
		struct figures f;
		int r = get_figures(doc, i, &f);

		if (r < 0)
			return r;
		json_array_append_new(
			rows,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "path",
				  w->name, "state", states[w->state], "mpps", or_dash(f.mpps),
				  "ndr", or_dash(f.ndr), "pdr", or_dash(f.pdr), "gbps",
				  or_dash(f.gbps), "p50", or_dash(f.p50), "p99", or_dash(f.p99),
				  "p999", or_dash(f.p999), "what",
				  w->state == BENCH_MEASURED ? w->what : w->reason));
	}
	return table_print(rows, doc->guest ? guest_cols : host_cols);
}

int bench_text_print(const struct bench_doc *doc, const struct bench_judged *judged)
{
	char aa[VIEW_SENTENCE];
	int r;

	bench_text_summary(stdout, doc, judged);
	putchar('\n');
	r = print_goals(judged);
	if (r < 0)
		return r;
	puts(view_aa(&judged->aa, "throughput", aa));
	puts(view_aa(&judged->aa_latency, "round trips", aa));
	for (size_t i = 0; i < judged->n_goals; i++)
		if (*judged->goal[i].reason)
			printf("%-4s %s: %s\n", judged->goal[i].def->id,
			       bstat_verdict_name(judged->goal[i].verdict), judged->goal[i].reason);
	for (size_t i = 0; i < judged->n_goals; i++)
		if (view_sides(&judged->goal[i], aa))
			puts(aa);
	putchar('\n');
	r = print_paths(doc);
	for (unsigned int i = 0; r >= 0 && i < doc->n_paths; i++)
		if (view_addresses(doc, i, aa))
			puts(aa);
	return r;
}

static const struct bench_goal *find_goal(const struct bench_judged *judged, const char *id)
{
	for (size_t i = 0; i < judged->n_goals; i++)
		if (!strcmp(judged->goal[i].def->id, id))
			return &judged->goal[i];
	return NULL;
}

/* ", 2.25x vhost-packed (2.22 to 2.28)" for each of @ids that was measured */
static void summary_ratios(FILE *f, const struct bench_judged *judged, const char *const *ids)
{
	for (; *ids; ids++) {
		const struct bench_goal *g = find_goal(judged, *ids);
		char value[VIEW_TEXT], span[VIEW_TEXT];

		if (!g || !g->estimate.n)
			continue;
		fprintf(f, ", %sx %s (%s)", view_number(g->estimate.value, value), view_against(g),
			interval(&g->estimate, span));
	}
}

static void summary_counts(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	fprintf(f,
		"goals: %zu met, %zu at least the floor, %zu failed, %zu inconclusive, %zu not "
		"measured; ",
		view_verdicts(judged, BSTAT_GOAL), view_verdicts(judged, BSTAT_FLOOR),
		view_verdicts(judged, BSTAT_FAIL), view_verdicts(judged, BSTAT_INCONCLUSIVE),
		view_verdicts(judged, BSTAT_NOT_MEASURED));
	if (judged->aa.n)
		fprintf(f, "resolution (A/A) %.1f %%, contains 1: %s; ",
			bstat_resolution(&judged->aa) * 100, bstat_aa_name(bstat_aa(&judged->aa)));
	else
		fprintf(f, "no A/A; ");
	fprintf(f, "%zu of %zu blocks excluded\n", judged->n_invalid, doc->n_blocks);
}

void bench_text_summary(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged)
{
	static const char *const rates[] = {"T1", "T2", "T3", "T4", "G1", "G3", NULL};
	static const char *const trips[] = {"L1", "L2", "L3", "L5", "G2", NULL};
	struct bstat_estimate rate = view_rate(doc, "vf", BENCH_MPPS, 64, 32);
	struct bstat_estimate trip = view_trip(doc, "vf");
	char number[VIEW_TEXT];

	fprintf(f, "sriovd %s, %s run%s of %s on %u CPUs of %s, hypervisor %s, %s\n", doc->revision,
		doc->mode, doc->guest ? " inside a guest" : "", doc->when, doc->cpus, doc->cpu,
		doc->hypervisor, doc->kernel);
	summary_counts(f, doc, judged);
	fprintf(f, "64 B both ways: vf %s Mpps",
		rate.n ? view_estimate(&rate, number) : "not measured,");
	summary_ratios(f, judged, rates);
	fprintf(f, "\nround trip p50: vf %s",
		trip.n ? view_ns(trip.value, number) : "not measured");
	summary_ratios(f, judged, trips);
	fprintf(f, "\ninstructions a packet: soft-nic %s",
		or_dash(view_number(doc->soft_nic_instructions, number)));
	fprintf(f, ", VF driver %s", or_dash(view_number(doc->vf_driver_instructions, number)));
	for (size_t i = 0; i < doc->n_traps; i++)
		if (!strcmp(doc->trap[i].path, "vf") && doc->trap[i].messages >= 0)
			fprintf(f, "; traps a packet %s",
				view_number(doc->trap[i].messages / doc->trap[i].packets, number));
	fputc('\n', f);
}

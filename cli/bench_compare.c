/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_compare.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_view.h"
#include "table.h"

static const char *says(enum bstat_change change, bool more_is_better)
{
	if (change == BSTAT_SAME)
		return "no difference";
	return (change == BSTAT_HIGHER) == more_is_better ? "better" : "worse";
}

static json_t *row(const char *metric, double was, double is, const struct bstat_estimate *change,
		   const char *verdict, bool absolute)
{
	json_t *o = json_pack("{s:s, s:f, s:f, s:s, s:b}", "metric", metric, "old", was, "new", is,
			      "says", verdict, "absolute", absolute);

	if (change->n) {
		json_object_set_new(o, "change", json_real(change->value));
		json_object_set_new(o, "ci", json_pack("[f, f]", change->lo, change->hi));
	}
	return o;
}

static size_t valid_dots(const struct bench_goal *g, double *values)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_dots; i++)
		if (g->dot[i].valid)
			values[n++] = g->dot[i].ratio;
	return n;
}

/* Both runs' resolution: neither can tell more. */
static double coarser(const struct bench_run *before, const struct bench_run *now,
		      const struct bench_goal_def *def)
{
	return fmax(bench_resolution_of(before->judged, def),
		    bench_resolution_of(now->judged, def));
}

static json_t *compare_goal(const struct bench_run *before, const struct bench_run *now, size_t i)
{
	const struct bench_goal *a = &before->judged->goal[i], *b = &now->judged->goal[i];
	double x[BENCH_N_ROUNDS], y[BENCH_N_ROUNDS], was = a->estimate.value,
						     is = b->estimate.value;
	struct bstat_estimate change = {};
	enum bstat_change differs;
	char name[200];

	if (a->def->to.path) {
		size_t n = valid_dots(a, x);

		change = bstat_change(x, n, y, valid_dots(b, y));
		differs = bstat_differs(change, coarser(before, now, a->def));
	} else {
		/* counts have no noise */
		differs = is > was ? BSTAT_HIGHER : is < was ? BSTAT_LOWER : BSTAT_SAME;
		if (was > 0)
			change = (struct bstat_estimate){is / was, is / was, is / was, 1, false};
	}
	snprintf(name, sizeof(name), "%s %s, %s", a->def->id, a->def->what, view_against(b));
	return row(name, was, is, &change, says(differs, a->def->bound.at_least), false);
}

static json_t *compare_path(const struct bench_run *before, const struct bench_run *now,
			    const struct bench_pick *pick, const char *what, bool more_is_better)
{
	double x[BENCH_N_ROUNDS], y[BENCH_N_ROUNDS];
	size_t n = bench_pick_values(before->doc, pick, false, x),
	       m = bench_pick_values(now->doc, pick, false, y);
	struct bstat_estimate change = bstat_change(x, n, y, m);
	const struct bench_goal_def like = {.of = *pick, .to = *pick};
	double resolution = coarser(before, now, &like);
	char name[80];

	if (!change.n)
		return NULL;
	snprintf(name, sizeof(name), "%.32s %s", pick->path, what);
	return row(name, bstat_median(x, n), bstat_median(y, m), &change,
		   says(bstat_differs(change, resolution), more_is_better), true);
}

static void compare_paths(const struct bench_run *before, const struct bench_run *now, json_t *rows)
{
	static const struct {
		struct bench_pick pick;
		const char *what;
		bool more_is_better;
	} all[] = {
		{{NULL, BENCH_MPPS, BENCH_THROUGHPUT, BENCH_CREDIT, 64, 32, false, 0, false, 0,
		  false},
		 "Mpps, 64 B",
		 true},
		{{NULL, BENCH_GBPS, BENCH_THROUGHPUT, BENCH_CREDIT, 1518, 32, false, 0, false, 0,
		  false},
		 "Gbit/s, 1518 B",
		 true},
		{{NULL, BENCH_P50, BENCH_PINGPONG, BENCH_ONE, 64, 0, false, 0, false, 0, false},
		 "round trip p50, ns",
		 false},
		{{NULL, BENCH_P99, BENCH_PINGPONG, BENCH_ONE, 64, 0, false, 0, false, 0, false},
		 "round trip p99, ns",
		 false},
		{{NULL, BENCH_CYCLES, BENCH_THROUGHPUT, BENCH_CREDIT, 64, 32, false, 0, false, 0,
		  false},
		 "generator's cycles, 64 B",
		 false},
	};

	for (unsigned int i = 0; i < now->doc->n_paths; i++) {
		for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
			struct bench_pick pick = all[k].pick;
			json_t *o;

			pick.path = now->doc->path[i].name;
			o = compare_path(before, now, &pick, all[k].what, all[k].more_is_better);
			if (o)
				json_array_append_new(rows, o);
		}
	}
}

json_t *bench_compare(const struct bench_run *before, const struct bench_run *now)
{
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < now->judged->n_goals; i++)
		if (before->judged->goal[i].estimate.n && now->judged->goal[i].estimate.n)
			json_array_append_new(rows, compare_goal(before, now, i));
	if (rows)
		compare_paths(before, now, rows);
	return rows;
}

static const char *percent(const json_t *ratio, char *text)
{
	snprintf(text, VIEW_TEXT, "-");
	if (json_is_number(ratio))
		snprintf(text, VIEW_TEXT, "%+.1f %%", (json_number_value(ratio) - 1) * 100);
	return text;
}

static json_t *print_row(const json_t *o)
{
	const json_t *ci = json_object_get(o, "ci");
	char was[VIEW_TEXT], is[VIEW_TEXT], change[VIEW_TEXT], lo[VIEW_TEXT], hi[VIEW_TEXT];
	char span[2 * VIEW_TEXT + 8] = "-";

	if (ci)
		snprintf(span, sizeof(span), "%s to %s", percent(json_array_get(ci, 0), lo),
			 percent(json_array_get(ci, 1), hi));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "metric",
			 json_string_value(json_object_get(o, "metric")), "old",
			 view_number(json_number_value(json_object_get(o, "old")), was), "new",
			 view_number(json_number_value(json_object_get(o, "new")), is), "change",
			 percent(json_object_get(o, "change"), change), "span", span, "says",
			 json_string_value(json_object_get(o, "says")));
}

static int print_part(const json_t *rows, bool absolute)
{
	static const struct table_col cols[] = {
		{"METRIC", "metric", false},
		{"OLD", "old", true},
		{"NEW", "new", true},
		{"CHANGE", "change", true},
		{"95 %", "span", true},
		{"SAYS", "says", false},
		{},
	};
	json_auto_t *part = json_array();
	const json_t *o;
	size_t i;

	json_array_foreach (rows, i, o)
		if (json_is_true(json_object_get(o, "absolute")) == absolute &&
		    json_array_append_new(part, print_row(o)) < 0)
			return -ENOMEM;
	if (!json_array_size(part))
		printf("nothing that both have\n");
	return json_array_size(part) ? table_print(part, cols) : 0;
}

static void print_run(const char *which, const struct bench_run *run)
{
	char c2c[VIEW_TEXT] = "?";

	if (run->doc->c2c_ns > 0)
		view_ns(run->doc->c2c_ns, c2c);
	printf("%s: %s, %s, %s; core to core %s; %zu of %zu blocks excluded; resolution %.1f "
	       "%%%s\n",
	       which, run->doc->when, run->doc->revision, run->doc->cpu, c2c,
	       run->judged->n_invalid, run->doc->n_blocks, bstat_resolution(&run->judged->aa) * 100,
	       run->judged->aa.n ? "" : " (no A/A)");
}

int bench_compare_print(const struct bench_run *before, const struct bench_run *now,
			const json_t *rows)
{
	int r;

	print_run("old", before);
	print_run("new", now);
	printf("\nGoals: ratios within a run, which the machine's moods leave alone\n");
	r = print_part(rows, false);
	if (r < 0)
		return r;
	printf("\nAbsolute figures: of the machine as it was then, never to be judged by alone\n");
	return print_part(rows, true);
}

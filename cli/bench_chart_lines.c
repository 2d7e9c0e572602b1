/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines: rate over burst, percentiles of the round trip, latency over load. */
#include <math.h>
#include <string.h>

#include "bench_charts.h"
#include "bench_svg.h"

struct line {
	size_t n;
	struct {
		double x, y;
		bool lossy;
	} at[VIEW_MAX];
};

static void draw_line(const struct svg *s, const struct bench_doc *doc, unsigned int path,
		      const struct line *l)
{
	char tip[200], x[VIEW_TEXT], y[VIEW_TEXT];
	unsigned int series = path % SVG_SERIES;

	fprintf(s->f, "<path class=\"l s%u d%u\" d=\"", series, path / SVG_SERIES % 2);
	for (size_t i = 0; i < l->n; i++)
		fprintf(s->f, "%c%.1f %.1f", i ? 'L' : 'M', svg_x(s, l->at[i].x),
			svg_y(s, l->at[i].y));
	fputs("\"/>\n", s->f);
	for (size_t i = 0; i < l->n; i++) {
		if (s->y.unit)
			view_ns(l->at[i].y, y);
		else
			view_number(l->at[i].y, y);
		snprintf(tip, sizeof(tip), "%s at %s%s", y, view_number(l->at[i].x, x),
			 l->at[i].lossy ? ", and frames were lost" : "");
		fprintf(s->f, "<circle class=\"%s s%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"",
			l->at[i].lossy ? "o" : "b", series, svg_x(s, l->at[i].x),
			svg_y(s, l->at[i].y));
		svg_tip(s, "circle", doc->path[path].name, tip);
	}
}

void chart_bursts(FILE *f, const struct bench_doc *doc)
{
	struct svg s = {.width = 1000,
			.height = 300,
			.x = {.scale = SVG_LOG2, .label = "frames handed over at once"},
			.y = {.label = "million frames a second, 64 B, both directions together"}};
	struct line lines[BENCH_PATHS_MAX] = {};
	struct view_list bursts;

	view_values(doc, VIEW_BURSTS, &bursts);
	if (bursts.n < 2) {
		chart_nothing(f, "rates over the size of bursts");
		return;
	}
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		for (size_t k = 0; k < bursts.n; k++) {
			struct bstat_estimate e = view_rate(doc, doc->path[i].name, BENCH_MPPS, 64,
							    (unsigned int)bursts.v[k]);

			if (!e.n)
				continue;
			lines[i].at[lines[i].n].x = bursts.v[k];
			lines[i].at[lines[i].n++].y = e.value;
			svg_range(&s.y, e.value);
		}
	}
	s.x.min = bursts.v[0];
	s.x.max = bursts.v[bursts.n - 1];
	svg_round(&s.y);
	svg_begin(&s, f, "Rate over the size of bursts",
		  "Lines, one for each path: 64 byte frames a second over frames handed over at "
		  "once");
	for (unsigned int i = 0; i < doc->n_paths; i++)
		if (lines[i].n)
			draw_line(&s, doc, i, &lines[i]);
	svg_end(&s);
}

/* As far as 100 samples lie beyond; steps between that no eye can tell are left out. */
static void draw_hist(const struct svg *s, const struct bench_doc *doc, unsigned int path,
		      const struct bench_hist *h)
{
	double left = (double)h->n, last_x = -9, last_y = -9;
	bool begun = false;

	fprintf(s->f, "<path class=\"l s%u d%u\" d=\"", path % SVG_SERIES, path / SVG_SERIES % 2);
	for (size_t i = 0; i < h->n_buckets; i++) {
		double x, y;

		left -= (double)h->bucket[i].count;
		if (left < BENCH_BEYOND_MIN)
			break;
		x = svg_x(s, (double)h->n / left);
		y = svg_y(s, fmin(h->bucket[i].upper_ns, h->max_ns));
		if (fabs(x - last_x) < 0.7 && fabs(y - last_y) < 0.7)
			continue;
		fprintf(s->f, "%c%.1f %.1f", begun ? 'L' : 'M', x, y);
		begun = true;
		last_x = x;
		last_y = y;
	}
	fputs("\"><title>", s->f);
	text_put(s->f, doc->path[path].name);
	fputs("</title></path>\n", s->f);
}

/* Where percentiles are, under an axis of 1 / (1 - p). */
static void percentile_ticks(const struct svg *s)
{
	static const struct {
		double x;
		const char *name;
	} at[] = {{1, "min"},	   {2, "p50"},	      {10, "p90"},	  {100, "p99"},
		  {1000, "p99.9"}, {10000, "p99.99"}, {100000, "p99.999"}};

	for (size_t i = 0; i < sizeof(at) / sizeof(*at) && at[i].x <= s->x.max; i++) {
		double x = svg_x(s, at[i].x);

		fprintf(s->f,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
			x, x, s->top, s->bottom);
		svg_label(s, x, s->bottom + 16, "middle", at[i].name);
	}
}

static int merge_trips(const struct bench_doc *doc, struct bench_hist *all, struct svg *s)
{
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct view_hist what = {.path = i, .test = BENCH_PINGPONG};
		double lost, p50, top;
		int r = view_merged(doc, &what, &all[i], &lost);

		if (r < 0)
			return r;
		if (bench_hist_percentile(&all[i], 0.5, &p50) < 0)
			continue;
		svg_range(&s->x, (double)all[i].n / BENCH_BEYOND_MIN);
		svg_range(&s->y, fmax(all[i].min_ns, 1));
		/* the highest that is drawn */
		top = 1 - (double)BENCH_BEYOND_MIN / (double)all[i].n;
		if (!bench_hist_percentile(&all[i], top, &top))
			svg_range(&s->y, fmax(top, 1));
	}
	return 0;
}

static void draw_percentiles(FILE *f, const struct bench_doc *doc, struct bench_hist *all,
			     struct svg *s)
{
	if (s->y.min > s->y.max) {
		chart_nothing(f, "round trips");
		return;
	}
	s->x.min = 1;
	svg_round(&s->y);
	svg_begin(s, f, "Percentiles of the round trip",
		  "Lines, one for each path: the round trip that a share of all frames did not "
		  "exceed; each further step to the right is a tenth of the frames");
	percentile_ticks(s);
	for (unsigned int i = 0; i < doc->n_paths; i++)
		if (all[i].n >= 2 * BENCH_BEYOND_MIN)
			draw_hist(s, doc, i, &all[i]);
	svg_end(s);
}

int chart_percentiles(FILE *f, const struct bench_doc *doc)
{
	struct svg s = {.width = 1000,
			.height = 340,
			.x = {.scale = SVG_LOG,
			      .min = 1,
			      .max = 10,
			      .bare = true,
			      .label = "percentile, as 1 / (1 - p)"},
			.y = {.scale = SVG_LOG,
			      .min = 1,
			      .max = -1,
			      .unit = "ns",
			      .label = "round trip, one frame in flight (log)"}};
	struct bench_hist all[BENCH_PATHS_MAX] = {};
	int r = merge_trips(doc, all, &s);

	if (r >= 0)
		draw_percentiles(f, doc, all, &s);
	for (unsigned int i = 0; i < doc->n_paths; i++)
		bench_hist_done(&all[i]);
	return r;
}

struct loads {
	struct view_list load;
	struct line line[3][BENCH_PATHS_MAX];
};

static const double load_percentiles[3] = {0.5, 0.99, 0.999};

static int collect_loads(const struct bench_doc *doc, struct loads *l, struct svg_axis *y)
{
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		for (size_t k = 0; k < l->load.n; k++) {
			const struct view_hist what = {
				.path = i, .test = BENCH_OPEN, .asked_mpps = l->load.v[k]};
			struct bench_hist h;
			double lost, ns;
			int r = view_merged(doc, &what, &h, &lost);

			if (r < 0)
				return r;
			for (size_t p = 0; p < 3; p++) {
				struct line *to = &l->line[p][i];

				if (bench_hist_percentile(&h, load_percentiles[p], &ns) < 0)
					continue;
				to->at[to->n].x = l->load.v[k];
				to->at[to->n].y = ns;
				to->at[to->n++].lossy = lost > 0.001;
				svg_range(y, fmax(ns, 1));
			}
			bench_hist_done(&h);
		}
	}
	return 0;
}

int chart_loads(FILE *f, const struct bench_doc *doc)
{
	static const char *const names[] = {"p50", "p99", "p99.9"};
	struct svg_axis y = {.scale = SVG_LOG, .min = 1, .max = -1, .unit = "ns"};
	struct loads l = {};
	int r;

	view_values(doc, VIEW_LOADS, &l.load);
	r = collect_loads(doc, &l, &y);
	if (r < 0)
		return r;
	if (y.min > y.max) {
		chart_nothing(f, "latency under load");
		return 0;
	}
	svg_round(&y);
	fputs("<div class=\"three\">\n", f);
	for (size_t p = 0; p < 3; p++) {
		struct svg s = {.width = 330,
				.height = 300,
				.y = y,
				.x = {.scale = SVG_LOG,
				      .min = l.load.v[0] * 0.9,
				      .max = l.load.v[l.load.n - 1] * 1.1,
				      .label = "offered, million frames a second (log)"}};
		char title[80];

		s.y.label = names[p];
		snprintf(title, sizeof(title), "%s over load", names[p]);
		svg_begin(&s, f, title,
			  "Lines, one for each path: one-way latency from the intended time of "
			  "sending; "
			  "hollow dots lost frames");
		for (unsigned int i = 0; i < doc->n_paths; i++)
			if (l.line[p][i].n)
				draw_line(&s, doc, i, &l.line[p][i]);
		svg_end(&s);
	}
	fputs("</div>\n", f);
	return 0;
}

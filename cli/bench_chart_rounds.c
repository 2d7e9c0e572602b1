/* SPDX-License-Identifier: BSD-3-Clause */
/* What happened round by round, and where an interval lies between floor and goal. */
#include <math.h>

#include "bench_charts.h"
#include "bench_svg.h"

static void draw_dots(const struct svg *s, const struct bench_goal *g, double steal_max)
{
	char tip[120], v[VIEW_TEXT], steal[VIEW_TEXT];

	for (size_t i = 0; i < g->n_dots; i++) {
		const struct bench_dot *d = &g->dot[i];
		double x = svg_x(s, d->round);

		if (d->steal_ms > 0 && steal_max > 0) {
			double h = fmin(1, d->steal_ms / steal_max) * 26;

			fprintf(s->f,
				"<rect class=\"steal\" x=\"%.1f\" y=\"%.1f\" width=\"3\" "
				"height=\"%.1f\"/>",
				x - 1.5, s->bottom - h, h);
		}
		snprintf(tip, sizeof(tip), "%s, steal %s ms%s", view_number(d->ratio, v),
			 view_number(d->steal_ms, steal), d->valid ? "" : ", excluded");
		fprintf(s->f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"",
			d->valid ? "b s0" : "o bad", x, svg_y(s, d->ratio));
		snprintf(v, sizeof(v), "round %u", d->round);
		svg_tip(s, "circle", v, tip);
	}
}

void chart_rounds(FILE *f, const struct bench_goal *g)
{
	struct svg s = {.width = 330,
			.height = 190,
			.x = {.label = "round"},
			.y = {.scale = SVG_LOG, .min = 1, .max = -1, .label = g->def->what}};
	double steal = 10;
	char title[120];

	for (size_t i = 0; i < g->n_dots; i++) {
		svg_range(&s.x, g->dot[i].round);
		svg_range(&s.y, fmax(g->dot[i].ratio, 1e-6));
		steal = fmax(steal, g->dot[i].steal_ms);
	}
	if (g->def->bound.floor > 0) {
		svg_range(&s.y, g->def->bound.floor);
		svg_range(&s.y, g->def->bound.goal);
	}
	s.y.min *= 0.9;
	s.y.max *= 1.1;
	if (s.y.max < 4 * s.y.min)
		s.y.scale = SVG_LINEAR;
	svg_round(&s.x);
	svg_round(&s.y);
	snprintf(title, sizeof(title), "%s: vf / %s", g->def->id, view_against(g));
	s.y.label = title;
	svg_begin(
		&s, f, title,
		"Dots: the ratio in each round, hollow if excluded; bars: time that the hypervisor "
		"took");
	svg_rule(&s, g->def->bound.floor, "floor", "floor");
	svg_rule(&s, g->def->bound.goal, "goal", "goal");
	draw_dots(&s, g, steal);
	svg_end(&s);
}

struct moods {
	double steal_ms[BENCH_N_ROUNDS];
	double gap_us[BENCH_N_ROUNDS]; /* the longest pause */
	double invalid[BENCH_N_ROUNDS];
	unsigned int last;
};

static void mood_chart(FILE *f, const struct moods *m, const double *values, const char *title,
		       const char *class)
{
	struct svg s = {
		.width = 1000, .height = 120, .x = {.max = m->last + 1.0}, .y = {.label = title}};
	char tip[VIEW_TEXT], round[VIEW_TEXT];
	double width;

	for (unsigned int i = 0; i <= m->last; i++)
		svg_range(&s.y, values[i]);
	svg_range(&s.y, 1);
	svg_round(&s.y);
	svg_begin(&s, f, title, "Bars, one for each round");
	width = (s.right - s.left) / (m->last + 1.0);
	for (unsigned int i = 0; i <= m->last; i++) {
		double y = svg_y(&s, values[i]);

		if (values[i] <= 0)
			continue;
		fprintf(f,
			"<rect class=\"b %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
			class, svg_x(&s, i) + width * 0.15, y, fmax(1, width * 0.7), s.bottom - y);
		snprintf(round, sizeof(round), "round %u", i);
		svg_tip(&s, "rect", round, view_number(values[i], tip));
	}
	svg_end(&s);
}

void chart_timeline(FILE *f, const struct bench_doc *doc)
{
	struct moods m = {};

	for (size_t i = 0; i < doc->n_blocks; i++) {
		const struct bench_block *b = &doc->block[i];

		m.steal_ms[b->round] += b->steal_ms;
		m.gap_us[b->round] = fmax(m.gap_us[b->round], b->gap_max_us);
		m.invalid[b->round] += !b->valid;
		if (b->round > m.last)
			m.last = b->round;
	}
	mood_chart(f, &m, m.steal_ms, "ms taken by the hypervisor in each round", "steal");
	mood_chart(f, &m, m.gap_us, "longest pause of the generator in each round, us", "s1");
	mood_chart(f, &m, m.invalid, "blocks excluded in each round", "s2");
}

/* Places along the little axis: @v as it is, or turned so that better is right. */
static double better(const struct bench_goal *g, double v)
{
	v = log10(fmax(v, 1e-6));
	return g->def->bound.at_least ? v : -v;
}

void chart_verdict(FILE *f, const struct bench_goal *g)
{
	const struct bstat_bound *b = &g->def->bound;
	const struct bstat_estimate *e = &g->estimate;
	double from, to, scale, lo, hi;

	if (!e->n || b->floor <= 0 || b->goal <= 0)
		return;
	lo = fmin(better(g, e->lo), better(g, e->hi));
	hi = fmax(better(g, e->lo), better(g, e->hi));
	from = fmin(lo, better(g, b->floor)) - 0.05;
	to = fmax(hi, better(g, b->goal)) + 0.05;
	scale = 116 / (to - from);
#define AT(v) (2 + ((v)-from) * scale)
	fputs("<svg class=\"mini\" viewBox=\"0 0 120 20\" aria-hidden=\"true\">"
	      "<line class=\"axis\" x1=\"2\" x2=\"118\" y1=\"10\" y2=\"10\"/>",
	      f);
	fprintf(f,
		"<path class=\"floor\" d=\"M%.1f 3v14\"/><path class=\"goal\" d=\"M%.1f 3v14\"/>",
		AT(better(g, b->floor)), AT(better(g, b->goal)));
	fprintf(f, "<line class=\"span v%d\" x1=\"%.1f\" x2=\"%.1f\" y1=\"10\" y2=\"10\"/>",
		(int)g->verdict, AT(lo), fmax(AT(hi), AT(lo) + 1));
	fprintf(f, "<circle class=\"v%d\" cx=\"%.1f\" cy=\"10\" r=\"4\"/></svg>", (int)g->verdict,
		AT(better(g, e->value)));
#undef AT
}

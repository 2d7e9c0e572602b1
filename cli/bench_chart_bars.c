/* SPDX-License-Identifier: BSD-3-Clause */
/* Bars: rate over frame size, cycles a packet, distance to physics. */
#include <math.h>
#include <string.h>

#include "bench_charts.h"
#include "bench_svg.h"

struct bars {
	struct view_list sizes;
	unsigned int n; /* paths with bars */
	unsigned int path[BENCH_PATHS_MAX];
	struct bstat_estimate e[BENCH_PATHS_MAX][VIEW_MAX];
};

void chart_nothing(FILE *f, const char *what)
{
	fputs("<p class=\"nothing\">Not measured: ", f);
	text_put(f, what);
	fputs(".</p>\n", f);
}

void chart_legend(FILE *f, const struct bench_doc *doc)
{
	fputs("<ul class=\"legend\">", f);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		const struct bench_way *w = &doc->path[i];

		if (w->state != BENCH_MEASURED)
			continue;
		fprintf(f,
			"<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\">"
			"<line class=\"l s%u d%u\" x1=\"1\" x2=\"25\" y1=\"5\" y2=\"5\"/></svg>",
			i % SVG_SERIES, i / SVG_SERIES % 2);
		text_put(f, w->name);
		fputs("</li>", f);
	}
	fputs("</ul>\n", f);
}

static void collect(const struct bench_doc *doc, enum bench_figure figure, struct bars *b)
{
	*b = (struct bars){};
	view_values(doc, VIEW_SIZES, &b->sizes);
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		bool any = false;

		for (size_t k = 0; k < b->sizes.n; k++) {
			b->e[b->n][k] = view_rate(doc, doc->path[i].name, figure,
						  (unsigned int)b->sizes.v[k], 32);
			any = any || b->e[b->n][k].n;
		}
		if (any)
			b->path[b->n++] = i;
	}
}

static void one_bar(const struct svg *s, const struct bench_doc *doc, const struct bars *b,
		    unsigned int k, size_t size, double px, double width)
{
	const struct bstat_estimate *e = &b->e[k][size];
	char tip[200], v[VIEW_TEXT], lo[VIEW_TEXT], hi[VIEW_TEXT], bytes[VIEW_TEXT];
	double y = svg_y(s, e->value);

	if (!e->n)
		return;
	snprintf(tip, sizeof(tip), "%s at %s, 95 %%: %s to %s, %zu rounds",
		 view_number(e->value, v), view_size(b->sizes.v[size], bytes),
		 view_number(e->lo, lo), view_number(e->hi, hi), e->n);
	fprintf(s->f,
		"<rect class=\"b s%u%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
		b->path[k] % SVG_SERIES, e->disturbed ? " soft" : "", px, y, fmax(1, width - 1),
		fmax(0.5, s->bottom - y));
	svg_tip(s, "rect", doc->path[b->path[k]].name, tip);
	svg_interval(s, px + (width - 1) / 2, e->lo, e->hi);
}

void chart_sizes(FILE *f, const struct bench_doc *doc, enum bench_figure figure)
{
	bool bits = figure == BENCH_GBPS;
	struct svg s = {.width = 1000, .height = 320};
	struct bars b;
	double group, width;

	collect(doc, figure, &b);
	if (!b.n) {
		chart_nothing(f, "throughput over frame size");
		return;
	}
	s.x = (struct svg_axis){.max = (double)b.sizes.n, .bare = true, .label = "frame size"};
	s.y = (struct svg_axis){.label =
					bits ? "Gbit/s, both directions together"
					     : "million frames a second, both directions together"};
	for (unsigned int i = 0; i < b.n; i++)
		for (size_t k = 0; k < b.sizes.n; k++)
			svg_range(&s.y, b.e[i][k].n ? b.e[i][k].hi : 0);
	svg_round(&s.y);
	svg_begin(&s, f, bits ? "Gbit/s over frame size" : "Frames a second over frame size",
		  "Grouped bars, one for each path; whiskers are 95 % intervals of the median over "
		  "rounds");
	group = (s.right - s.left) / (double)b.sizes.n;
	width = group * 0.86 / b.n;
	for (size_t k = 0; k < b.sizes.n; k++) {
		double px = s.left + group * ((double)k + 0.07);
		char text[VIEW_TEXT];

		for (unsigned int i = 0; i < b.n; i++)
			one_bar(&s, doc, &b, i, k, px + width * i, width);
		svg_label(&s, px + group * 0.43, s.bottom + 16, "middle",
			  view_size(b.sizes.v[k], text));
	}
	svg_end(&s);
}

/* Bars that lie: a name at the left, a value behind the bar. */
static void lying_begin(struct svg *s, FILE *f, unsigned int rows, const char *title,
			const char *desc)
{
	s->width = 1000;
	s->height = 44 + 26.0 * rows + (s->x.label ? 14 : 0);
	s->left = 130;
	s->top = 8;
	s->right = s->width - 90;
	s->bottom = s->top + 26.0 * rows;
	s->y.bare = true;
	svg_round(&s->x);
	svg_begin(s, f, title, desc);
}

/* The bar of a row, or its upper (0) or lower (1) half. */
static void lying_bar(const struct svg *s, unsigned int row, int half, const char *class,
		      double value, const char *name, const char *tip)
{
	double x = svg_x(s, s->x.min), y = s->top + 26.0 * row + (half > 0 ? 14 : 5);

	fprintf(s->f, "<rect class=\"b %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"",
		class, x, y, fmax(0.5, svg_x(s, value) - x), half < 0 ? 16 : 8);
	svg_tip(s, "rect", name, tip);
}

static double cycles_of(const struct bench_doc *doc, unsigned int path, enum bench_figure figure)
{
	struct bstat_estimate e = view_rate(doc, doc->path[path].name, figure, 64, 32);

	return e.n ? e.value : BENCH_NONE;
}

void chart_cycles(FILE *f, const struct bench_doc *doc)
{
	struct svg s = {.x = {.scale = SVG_LOG,
			      .min = 10,
			      .max = -1,
			      .label = "TSC ticks a packet (log): generator with its two drivers; "
				       "grey: switch"}};
	double own[BENCH_PATHS_MAX], of_switch[BENCH_PATHS_MAX];
	unsigned int rows = 0, row = 0;
	char text[VIEW_TEXT], other[VIEW_TEXT], tip[120];

	for (unsigned int i = 0; i < doc->n_paths; i++) {
		own[i] = cycles_of(doc, i, BENCH_CYCLES);
		of_switch[i] = cycles_of(doc, i, BENCH_SWITCH_CYCLES);
		if (own[i] <= 0)
			continue;
		rows++;
		svg_range(&s.x, own[i] / 2);
		svg_range(&s.x, fmax(own[i], of_switch[i]));
	}
	if (!rows) {
		chart_nothing(f, "cycles a packet");
		return;
	}
	lying_begin(&s, f, rows, "Cycles a packet",
		    "Bars: ticks of the generator's core that moved "
		    "packets, and of the switch's where it tells");
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		char class[16];
		double end;

		if (own[i] <= 0)
			continue;
		end = fmax(own[i], of_switch[i]);
		snprintf(class, sizeof(class), "s%u", i % SVG_SERIES);
		snprintf(tip, sizeof(tip), "%s ticks a packet", view_number(own[i], text));
		lying_bar(&s, row, of_switch[i] > 0 ? 0 : -1, class, own[i], doc->path[i].name,
			  tip);
		if (of_switch[i] > 0) {
			snprintf(tip, sizeof(tip), "switch: %s ticks a packet",
				 view_number(of_switch[i], text));
			lying_bar(&s, row, 1, "hatch", of_switch[i], doc->path[i].name, tip);
		}
		svg_label(&s, s.left - 8, s.top + 26.0 * row + 17, "end", doc->path[i].name);
		view_number(own[i], text);
		if (of_switch[i] > 0)
			snprintf(tip, sizeof(tip), "%s + %s", text,
				 view_number(of_switch[i], other));
		svg_label(&s, svg_x(&s, end) + 6, s.top + 26.0 * row + 17, "start",
			  of_switch[i] > 0 ? tip : text);
		row++;
	}
	svg_end(&s);
}

static void mark(const struct svg *s, double v, const char *class, const char *text)
{
	double x = svg_x(s, v);

	fprintf(s->f,
		"<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"><title>%s"
		"</title></line>\n",
		class, x, x, s->top, s->bottom, text);
}

void chart_physics(FILE *f, const struct bench_doc *doc)
{
	struct svg s = {.x = {.scale = SVG_LOG,
			      .min = 1,
			      .max = 10,
			      .label = "median round trip / core-to-core round trip (log)"}};
	double trip[BENCH_PATHS_MAX], c2c = view_c2c(doc);
	unsigned int rows = 0, row = 0;
	char text[VIEW_TEXT], tip[80];

	for (unsigned int i = 0; i < doc->n_paths; i++) {
		struct bstat_estimate e = view_trip(doc, doc->path[i].name);

		trip[i] = e.n && c2c > 0 ? e.value / c2c : 0;
		rows += trip[i] > 0;
		if (trip[i] > 0)
			svg_range(&s.x, trip[i]);
	}
	if (!rows) {
		chart_nothing(f, "round trips, or that of core to core");
		return;
	}
	lying_begin(&s, f, rows, "Distance to physics",
		    "Bars: median round trip of each path in core-to-core round trips; lines: goal "
		    "3.5 and floor 6");
	for (unsigned int i = 0; i < doc->n_paths; i++) {
		char class[16];

		if (trip[i] <= 0)
			continue;
		snprintf(class, sizeof(class), "s%u", i % SVG_SERIES);
		snprintf(tip, sizeof(tip), "%s core-to-core round trips",
			 view_number(trip[i], text));
		lying_bar(&s, row, -1, class, trip[i], doc->path[i].name, tip);
		svg_label(&s, s.left - 8, s.top + 26.0 * row + 17, "end", doc->path[i].name);
		svg_label(&s, svg_x(&s, trip[i]) + 6, s.top + 26.0 * row + 17, "start",
			  view_number(trip[i], text));
		row++;
	}
	mark(&s, 3.5, "goal", "goal: 3.5");
	mark(&s, 6, "floor", "floor: 6");
	svg_end(&s);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_svg.h"

#include <math.h>
#include <string.h>

#include "bench_view.h"

#define TICKS_MAX 40u

void text_put(FILE *f, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			fprintf(f, "&#%u;", c);
		else
			fputc(c < ' ' || c == 0x7f ? ' ' : c, f);
	}
}

void text_ns(FILE *f, double ns)
{
	char text[VIEW_TEXT], *micro;

	view_ns(ns, text);
	micro = strstr(text, " us");
	if (micro)
		fprintf(f, "%.*s&nbsp;&micro;s", (int)(micro - text), text);
	else
		fprintf(f, "%s", text);
}

static double warp(const struct svg_axis *a, double v)
{
	if (a->scale == SVG_LINEAR)
		return v;
	return a->scale == SVG_LOG ? log10(fmax(v, 1e-12)) : log2(fmax(v, 1e-12));
}

/* 0 to 1 along an axis. */
static double along(const struct svg_axis *a, double v)
{
	double from = warp(a, a->min), to = warp(a, a->max);

	if (to <= from)
		return 0;
	return fmin(1, fmax(0, (warp(a, v) - from) / (to - from)));
}

double svg_x(const struct svg *s, double v)
{
	return s->left + along(&s->x, v) * (s->right - s->left);
}

double svg_y(const struct svg *s, double v)
{
	return s->bottom - along(&s->y, v) * (s->bottom - s->top);
}

void svg_range(struct svg_axis *axis, double v)
{
	bool empty = axis->min > axis->max;

	if (empty || v < axis->min)
		axis->min = v;
	if (empty || v > axis->max)
		axis->max = v;
}

/* 1, 2 or 5 times a power of ten, so that about @n of them span @range. */
static double nice_step(double range, double n)
{
	double raw = range / n, ten;

	if (raw <= 0)
		return 1;
	ten = pow(10, floor(log10(raw)));
	raw /= ten;
	return ten * (raw > 5 ? 10 : raw > 2 ? 5 : raw > 1 ? 2 : 1);
}

void svg_round(struct svg_axis *axis)
{
	double step;

	if (axis->min > axis->max) {
		axis->min = axis->scale == SVG_LINEAR ? 0 : 1;
		axis->max = axis->scale == SVG_LINEAR ? 1 : 10;
	}
	if (axis->scale == SVG_LINEAR) {
		step = nice_step(axis->max - axis->min, 5);
		axis->min = floor(axis->min / step + 1e-9) * step;
		axis->max = ceil(axis->max / step - 1e-9) * step;
		if (axis->max <= axis->min)
			axis->max = axis->min + step;
		return;
	}
	if (axis->scale == SVG_LOG2)
		return;
	/* to 1, 2 or 5 of a decade */
	step = pow(10, floor(log10(axis->min)));
	axis->min = step * (axis->min >= 5 * step ? 5 : axis->min >= 2 * step ? 2 : 1);
	step = pow(10, floor(log10(axis->max)));
	axis->max = step * (axis->max <= step	    ? 1
			    : axis->max <= 2 * step ? 2
			    : axis->max <= 5 * step ? 5
						    : 10);
	if (axis->max <= axis->min)
		axis->max = axis->min * 10;
}

static size_t ticks(const struct svg_axis *a, double *at)
{
	static const double parts[] = {1, 2, 5};
	double decades = log10(fmax(a->max, 1e-12) / fmax(a->min, 1e-12)), v;
	size_t n = 0;

	if (a->scale == SVG_LINEAR) {
		double step = nice_step(a->max - a->min, 5);

		for (v = a->min; v <= a->max + step / 2 && n < TICKS_MAX; v += step)
			at[n++] = v;
		return n;
	}
	if (a->scale == SVG_LOG2) {
		for (v = a->min; v <= a->max * 1.001 && n < TICKS_MAX; v *= 2)
			at[n++] = v;
		return n;
	}
	for (v = pow(10, floor(log10(a->min))); v <= a->max && n + 3 <= TICKS_MAX; v *= 10)
		for (size_t i = 0; i < (decades > 3 ? 1 : 3); i++)
			if (v * parts[i] >= a->min * 0.999 && v * parts[i] <= a->max * 1.001)
				at[n++] = v * parts[i];
	return n;
}

static void tick_text(FILE *f, const struct svg_axis *a, double v)
{
	char text[VIEW_TEXT];

	if (a->unit && v > 0)
		text_ns(f, v);
	else if (v > 0 && (v < 1e-3 || v >= 1e6))
		fputs(view_number(v, text), f);
	else
		fprintf(f, "%.6g", v);
}

static void grid(const struct svg *s)
{
	double at[TICKS_MAX];
	size_t n = s->y.bare ? 0 : ticks(&s->y, at);

	for (size_t i = 0; i < n; i++) {
		double y = svg_y(s, at[i]);

		fprintf(s->f,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
			s->left, s->right, y, y, s->left - 6, y + 4);
		tick_text(s->f, &s->y, at[i]);
		fputs("</text>\n", s->f);
	}
	n = s->x.bare ? 0 : ticks(&s->x, at);
	for (size_t i = 0; i < n; i++) {
		double x = svg_x(s, at[i]);

		fprintf(s->f,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
			x, x, s->top, s->bottom, x, s->bottom + 16);
		tick_text(s->f, &s->x, at[i]);
		fputs("</text>\n", s->f);
	}
}

void svg_begin(struct svg *s, FILE *f, const char *title, const char *desc)
{
	s->f = f;
	if (s->right <= 0) {
		s->left = 62;
		s->top = 22;
		s->right = s->width - 14;
		s->bottom = s->height - (s->x.label ? 40 : 24);
	}
	fprintf(f, "<svg role=\"img\" viewBox=\"0 0 %.0f %.0f\" aria-label=\"", s->width,
		s->height);
	text_put(f, title);
	fputs("\"><title>", f);
	text_put(f, title);
	fputs("</title><desc>", f);
	text_put(f, desc);
	fputs("</desc>\n", f);
	grid(s);
	fprintf(f, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", s->left, s->top,
		s->bottom, s->right);
	if (s->y.label)
		svg_label(s, s->left - 6, s->top - 9, "start", s->y.label);
	if (s->x.label)
		svg_label(s, (s->left + s->right) / 2, s->bottom + 34, "middle", s->x.label);
}

void svg_end(struct svg *s)
{
	fputs("</svg>\n", s->f);
}

void svg_label(const struct svg *s, double px, double py, const char *anchor, const char *text)
{
	fprintf(s->f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", px, py, anchor);
	text_put(s->f, text);
	fputs("</text>\n", s->f);
}

void svg_tip(const struct svg *s, const char *close, const char *series, const char *text)
{
	fputs("><title>", s->f);
	text_put(s->f, series);
	fputs(": ", s->f);
	text_put(s->f, text);
	fprintf(s->f, "</title></%s>\n", close);
}

void svg_interval(const struct svg *s, double px, double lo, double hi)
{
	double a = svg_y(s, lo), b = svg_y(s, hi);

	fprintf(s->f, "<path class=\"whisker\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh5M%.1f %.1fh5\"/>\n",
		px, a, b, px - 2.5, a, px - 2.5, b);
}

void svg_rule(const struct svg *s, double v, const char *class, const char *text)
{
	double y = svg_y(s, v);

	fprintf(s->f, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
		class, s->left, s->right, y, y);
	svg_label(s, s->right - 2, y - 3, "end", text);
}

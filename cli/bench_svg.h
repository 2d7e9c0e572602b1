#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Charts as inline SVG: two axes, and marks placed by value. Colours are classes s0 to s9 of the
 * page's style, so that they follow its light and dark; each mark has a title that a pointer shows.
 */
#include <stdbool.h>
#include <stdio.h>

#define SVG_SERIES 10u

enum svg_scale {
	SVG_LINEAR,
	SVG_LOG,
	SVG_LOG2,
};

struct svg_axis {
	enum svg_scale scale;
	double min;
	double max;
	const char *label;
	const char *unit; /* "ns" makes times of numbers; may be NULL */
	bool bare;	  /* no ticks: the chart writes them itself */
};

struct svg {
	FILE *f;
	double width;
	double height;
	double left, top, right, bottom; /* of the plot */
	struct svg_axis x;
	struct svg_axis y;
};

/*
 * svg_begin() - frame, axes and grid; x, y, width and height are set by the caller
 * @title, @desc: for who cannot see it
 */
void svg_begin(struct svg *s, FILE *f, const char *title, const char *desc);
void svg_end(struct svg *s);

/* Places of values; what lies outside the axes is put on their ends. */
double svg_x(const struct svg *s, double v);
double svg_y(const struct svg *s, double v);

/* svg_range() - widen an axis to @v; one that is still empty (min > max) becomes it */
void svg_range(struct svg_axis *axis, double v);
/* svg_round() - ends of an axis to where ticks are */
void svg_round(struct svg_axis *axis);

void svg_label(const struct svg *s, double px, double py, const char *anchor, const char *text);
/* svg_tip() - the title of a mark that is open, closes it: "</rect>" is @close */
void svg_tip(const struct svg *s, const char *close, const char *series, const char *text);
/* svg_interval() - a whisker along y at place @px */
void svg_interval(const struct svg *s, double px, double lo, double hi);
/* svg_rule() - a line across the plot at y = @v */
void svg_rule(const struct svg *s, double v, const char *class, const char *text);

/* text_put() - escaped for HTML */
void text_put(FILE *f, const char *text);
/* text_ns() - a time with its unit, escaped */
void text_ns(FILE *f, double ns);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What the reports pick out of a result, and how figures are spelled. */
#include <cli/bench_goals.h>

#define VIEW_MAX  16u /* sizes, bursts, loads that are shown */
#define VIEW_TEXT 48u

#define VIEW_SENTENCE 240u

struct view_list {
	size_t n;
	double v[VIEW_MAX]; /* ascending */
};

enum view_kind {
	VIEW_SIZES,  /* of frames, at full speed in bursts of 32; the mix last, as 0 */
	VIEW_BURSTS, /* with 64 B at full speed */
	VIEW_LOADS,  /* of the open loop, in Mpps */
};

/* What of a block a merged histogram is made of. */
struct view_hist {
	unsigned int path;
	enum bench_test test;
	double asked_mpps;  /* of BENCH_OPEN */
	bool actual;	    /* the other stamp */
	bool constant;	    /* even steps instead of a Poisson process */
	unsigned int burst; /* of BENCH_OPEN; 0: single frames */
};

void view_values(const struct bench_doc *doc, enum view_kind kind, struct view_list *ret_list);

/* view_rate() - full speed both ways; as view_merged() of disturbed blocks if there are no others
 */
struct bstat_estimate view_rate(const struct bench_doc *doc, const char *path,
				enum bench_figure figure, unsigned int size, unsigned int burst);

/*
 * view_search() - the highest rate of BENCH_LOSSLESS or BENCH_SOME_LOSS that a search found, over
 * rounds; as view_rate()
 */
struct bstat_estimate view_search(const struct bench_doc *doc, const char *path,
				  enum bench_figure figure);

/* view_c2c() - core to core and back in ns: calibrated, else beside round trips; 0 if not known */
double view_c2c(const struct bench_doc *doc);

/* view_trip() - the median round trip, over rounds */
struct bstat_estimate view_trip(const struct bench_doc *doc, const char *path);

/*
 * view_merged() - valid blocks' histograms as one, or, if there is none, those of the others;
 * -ENOMEM, -E2BIG
 * @ret_lost: the share of frames that did not arrive
 */
int view_merged(const struct bench_doc *doc, const struct view_hist *what,
		struct bench_hist *ret_hist, double *ret_lost);

/*
 * view_addresses() - what many addresses leave of a path's rate at 64 bytes, in a sentence; @text
 * of VIEW_SENTENCE bytes; false: not measured
 */
bool view_addresses(const struct bench_doc *doc, unsigned int path, char *text);

/* view_number() - three digits, or as many as a count has; "" of BENCH_NONE */
const char *view_number(double v, char *text);
/* view_ns() - with its unit; micro is written "us" */
const char *view_ns(double ns, char *text);
/* view_estimate() - as view_number(), in brackets if only disturbed blocks have it; may be empty */
const char *view_estimate(const struct bstat_estimate *e, char *text);
/* view_percentile() - as view_ns(), in brackets as above; empty if too few samples lie beyond */
const char *view_percentile(const struct bench_hist *h, double p, char *text);
/* view_size() - "64 B" or "mix" */
const char *view_size(double size, char *text);

/* view_against() - what a goal's figure is compared with, in a word */
const char *view_against(const struct bench_goal *g);

/*
 * view_sides() - a goal's value where the CPUs were near each other, and where they were not; @text
 * of VIEW_SENTENCE bytes; false: the run saw one of the two, or hardly more
 */
bool view_sides(const struct bench_goal *g, char *text);

/*
 * view_aa() - what measuring the same path twice a round says, in a sentence; @text of
 * VIEW_SENTENCE bytes
 */
const char *view_aa(const struct bstat_estimate *aa, const char *of, char *text);

size_t view_verdicts(const struct bench_judged *judged, enum bstat_verdict verdict);

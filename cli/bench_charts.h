#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The charts of the page. Each writes a figure, or a line that says that nothing was measured for
 * it. Return: 0; -ENOMEM; -E2BIG histograms that do not add up.
 */
#include <stdio.h>

#include "bench_view.h"

/* Grouped bars: rate over frame size. */
void chart_sizes(FILE *f, const struct bench_doc *doc, enum bench_figure figure);
/* Lines: rate over burst. */
void chart_bursts(FILE *f, const struct bench_doc *doc);
/* Lines: percentiles of the round trip, x = 1 / (1 - p). */
int chart_percentiles(FILE *f, const struct bench_doc *doc);
/* Lines: p50, p99, p99.9 over the load of an open loop. */
int chart_loads(FILE *f, const struct bench_doc *doc);
/* Bars: cycles a packet of generator and switch. */
void chart_cycles(FILE *f, const struct bench_doc *doc);
/* Bars: median round trip in core-to-core round trips. */
void chart_physics(FILE *f, const struct bench_doc *doc);
/* Dots: a goal's ratio in each round, with steal. */
void chart_rounds(FILE *f, const struct bench_goal *g);
/* Bars over all rounds: steal, pauses, invalid blocks. */
void chart_timeline(FILE *f, const struct bench_doc *doc);
/* A goal's interval between its floor and its goal, better to the right. */
void chart_verdict(FILE *f, const struct bench_goal *g);

/* chart_legend() - names and colours of the paths that were measured */
void chart_legend(FILE *f, const struct bench_doc *doc);
/* chart_nothing() - in the place of a chart */
void chart_nothing(FILE *f, const char *what);

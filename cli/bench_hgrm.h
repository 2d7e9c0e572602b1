#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Histograms of a result as texts that plotters of HdrHistogram read. */
#include <stdio.h>

#include <cli/bench_doc.h>

/**
 * bench_hgrm_write() - one histogram, a line a bucket
 * @what: a line about it, without its end
 *
 * The last line has three columns, as HdrHistogram's has: nothing lies beyond it.
 *
 * Context: any. Return: none; errors stay with @f. Source: HdrHistogram, percentile distribution.
 */
void bench_hgrm_write(FILE *f, const struct bench_hist *h, const char *what);

/**
 * bench_hgrm_all() - a file for each path and load of @doc, over all its rounds
 * @who: begins messages
 * @dir: of the files, PATH.LOAD.hgrm; made if it is not there
 *
 * Of blocks that are valid, or of all where none is, as the report does.
 *
 * Context: any; prints what is wrong. Return: how many files; negative errno. Source: none.
 */
int bench_hgrm_all(const char *who, const struct bench_doc *doc, const char *dir);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Two results side by side: what changed, and whether more than two runs of the same differ by. */
#include <cli/bench_goals.h>

struct bench_run {
	const struct bench_doc *doc;
	const struct bench_judged *judged;
};

/*
 * bench_compare() - a row for each goal that both have, then for each path's absolute figures:
 * {"metric","old","new","change","ci","says","absolute"}; NULL out of memory
 */
json_t *bench_compare(const struct bench_run *before, const struct bench_run *now);
/* bench_compare_print() - the rows as a table on stdout; -ENOMEM */
int bench_compare_print(const struct bench_run *before, const struct bench_run *now,
			const json_t *rows);

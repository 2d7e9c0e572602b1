#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The result of a benchmark that was read and judged, and what is made of it. */
#include <cli/bench_goals.h>

struct bench_result {
	struct bench_doc *doc;
	struct bench_judged *judged;
};

/* What the next two say on stderr begins with @who. */
int bench_result_read(const char *who, const char *file, struct bench_result *ret_result);
int bench_result_decode(const char *who, json_t *root, struct bench_result *ret_result);
void bench_result_done(struct bench_result *result);

/* bench_page_write() - the page as a file, whole or not at all; says why not */
int bench_page_write(const char *who, const struct bench_result *result, const char *file);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* A result as text: for a terminal, for a pull request, for docs/benchmarks.md. */
#include <stdio.h>

#include <cli/bench_goals.h>

/* bench_text_print() - tables on stdout; -ENOMEM */
int bench_text_print(const struct bench_doc *doc, const struct bench_judged *judged);
/* bench_text_summary() - five lines */
void bench_text_summary(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged);
/* bench_text_markdown() - -ENOMEM */
int bench_text_markdown(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged);

#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A result as one page: needs no other file, no script and no net; light, dark and on paper.
 * Texts of the result are escaped, whatever they are.
 */
#include <stdio.h>

#include <cli/bench_goals.h>

/* bench_html_write() - the whole page; -ENOMEM, -E2BIG; errors of @f stay in @f */
int bench_html_write(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged);

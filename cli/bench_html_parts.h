#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of the page, and its style. */
#include <stdio.h>

#include <cli/bench_goals.h>

extern const char bench_html_style[];

void html_tiles(FILE *f, const struct bench_doc *doc, const struct bench_judged *judged);
void html_goals(FILE *f, const struct bench_judged *judged);
/* those that return something: -ENOMEM, -E2BIG */
int html_paths(FILE *f, const struct bench_doc *doc);
void html_addresses(FILE *f, const struct bench_doc *doc);
int html_stamps(FILE *f, const struct bench_doc *doc);
void html_instructions(FILE *f, const struct bench_doc *doc);
void html_traps(FILE *f, const struct bench_doc *doc);
void html_physics(FILE *f, const struct bench_doc *doc);
void html_frames(FILE *f, const struct bench_doc *doc);
void html_machine(FILE *f, const struct bench_doc *doc);
void html_commands(FILE *f, const struct bench_doc *doc);

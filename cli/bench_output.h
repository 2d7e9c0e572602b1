#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the result of a benchmark goes: files, and standard output. */
#include <cli/cli.h>

struct bench_outputs {
	const struct cli *cli;
	const char *json; /* files; NULL: none */
	const char *html;
};

/**
 * bench_output_check() - can the files be written? Said at once, not after half an hour
 * Context: creates those that are not there; prints what is wrong. Return: true if so. Source: -.
 */
bool bench_output_check(const struct bench_outputs *out);

/**
 * bench_output() - write and print a result that is complete
 * @more: prints what people get to see after the verdicts; may be NULL
 *
 * Context: sleeps; prints what is wrong. Return: 0; negative errno. Source: docs/bench-format.md.
 */
int bench_output(const struct bench_outputs *out, json_t *report,
		 int (*more)(const json_t *report));

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_output.h"

#include <errno.h>
#include <fcntl.h>
#include <lib/cleanup.h>
#include <stdio.h>
#include <string.h>

#include "bench_page.h"
#include "bench_text.h"
#include "table.h"

#define WHO "sriovctl bench"

/* What is there stays until there is something better. */
static bool writable(const char *file)
{
	_cleanup_(fd_closep) int fd = -1;

	if (!file)
		return true;
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		fprintf(stderr, WHO ": cannot write %s: %s\n", file, strerrordesc_np(errno));
	return fd >= 0;
}

bool bench_output_check(const struct bench_outputs *out)
{
	return writable(out->json) && writable(out->html);
}

static int write_json(const json_t *report, const char *file)
{
	FILE *f = fopen(file, "we");
	int r = 0;

	if (!f || json_dumpf(report, f, JSON_COMPACT) < 0 || fputc('\n', f) == EOF)
		r = -EIO;
	if (f && fclose(f))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, WHO ": cannot write %s: %s\n", file, strerrordesc_np(errno));
	return r;
}

static int print_text(const struct bench_result *result, const json_t *report,
		      int (*more)(const json_t *report))
{
	int r = bench_text_print(result->doc, result->judged);

	return r >= 0 && more ? more(report) : r;
}

/* The file first: whatever becomes of the rest, the measurements are not lost. */
int bench_output(const struct bench_outputs *out, json_t *report, int (*more)(const json_t *report))
{
	_cleanup_(bench_result_done) struct bench_result result = {};
	int r = 0;

	if (out->json)
		r = write_json(report, out->json);
	if (bench_result_decode(WHO, report, &result) < 0)
		return -EBADMSG;
	if (out->html && bench_page_write(WHO, &result, out->html) < 0)
		r = -EIO;
	if ((out->cli->json ? table_json(report) : print_text(&result, report, more)) < 0)
		r = -EIO;
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench_html.h"

static const char *reason(int r)
{
	return r == -E2BIG ? "its histograms are not of one kind" : strerror(-r);
}

static int judge(const char *who, const char *what, struct bench_doc *doc,
		 struct bench_result *ret_result)
{
	struct bench_result result = {.doc = doc};
	int r = bench_judge_doc(doc, &result.judged);

	if (r < 0) {
		fprintf(stderr, "%s: %s: %s\n", who, what, reason(r));
		bench_doc_free(doc);
		return r;
	}
	*ret_result = result;
	return 0;
}

int bench_result_read(const char *who, const char *file, struct bench_result *ret_result)
{
	struct bench_doc *doc = NULL;
	char why[200] = "";
	int r = bench_doc_read(file, why, sizeof(why), &doc);

	if (r < 0) {
		fprintf(stderr, "%s: %s: %s\n", who, file, why);
		return r;
	}
	return judge(who, file, doc, ret_result);
}

int bench_result_decode(const char *who, json_t *root, struct bench_result *ret_result)
{
	struct bench_doc *doc = NULL;
	char why[200] = "";
	int r = bench_doc_decode(root, why, sizeof(why), &doc);

	if (r < 0) {
		fprintf(stderr, "%s: the result: %s\n", who, why);
		return r;
	}
	return judge(who, "the result", doc, ret_result);
}

void bench_result_done(struct bench_result *result)
{
	bench_doc_free(result->doc);
	free(result->judged);
	*result = (struct bench_result){};
}

/* Written beside it and moved. */
static int write_file(const struct bench_result *result, const char *part, const char *file)
{
	FILE *f = fopen(part, "we");
	int r;

	if (!f)
		return -errno;
	r = bench_html_write(f, result->doc, result->judged);
	if (r >= 0 && ferror(f))
		r = -EIO;
	if (fclose(f) && r >= 0)
		r = -errno;
	if (r >= 0 && rename(part, file) < 0)
		r = -errno;
	if (r < 0)
		unlink(part);
	return r;
}

int bench_page_write(const char *who, const struct bench_result *result, const char *file)
{
	char part[4096];
	int n = snprintf(part, sizeof(part), "%s.part", file);
	int r = n < (int)sizeof(part) ? write_file(result, part, file) : -ENAMETOOLONG;

	if (r < 0)
		fprintf(stderr, "%s: cannot write %s: %s\n", who, file, reason(r));
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* bench report: the result of a benchmark as text, as a page, or against another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cli/args.h>
#include "bench_compare.h"
#include "bench_html.h"
#include "bench_text.h"
#include "table.h"

/* A result with what it says about the goals. */
struct loaded {
	struct bench_doc *doc;
	struct bench_judged *judged;
};

static void loaded_done(struct loaded *l)
{
	bench_doc_free(l->doc);
	free(l->judged);
}

static int load(const char *file, struct loaded *ret_loaded)
{
	struct loaded l = {};
	char why[200] = "";
	int r = bench_doc_read(file, why, sizeof(why), &l.doc);

	if (r >= 0) {
		r = bench_judge_doc(l.doc, &l.judged);
		if (r < 0)
			snprintf(why, sizeof(why), "%s", strerror(-r));
	}
	if (r < 0) {
		fprintf(stderr, "sriovctl bench report: %s: %s\n", file, why);
		loaded_done(&l);
		return r;
	}
	*ret_loaded = l;
	return 0;
}

/* Written beside it and moved: a page is whole or not there. */
static int write_page(const struct loaded *l, const char *file)
{
	char part[4096];
	FILE *f;
	int r, n = snprintf(part, sizeof(part), "%s.part", file);

	f = n < (int)sizeof(part) ? fopen(part, "we") : NULL;
	if (!f) {
		r = n < (int)sizeof(part) ? -errno : -ENAMETOOLONG;
	} else {
		r = bench_html_write(f, l->doc, l->judged);
		if (r >= 0 && ferror(f))
			r = -EIO;
		if (fclose(f) && r >= 0)
			r = -errno;
		if (r >= 0 && rename(part, file) < 0)
			r = -errno;
		if (r < 0)
			unlink(part);
	}
	if (r < 0)
		fprintf(stderr, "sriovctl bench report: cannot write %s: %s\n", file, strerror(-r));
	return r;
}

/* The file's object, with verdicts as they are made today. */
static int print_json(const struct loaded *l)
{
	int r = bench_judge_write(l->judged, l->doc->root);

	return r < 0 ? r : table_json(l->doc->root);
}

static int compare(const struct cli *cli, const char *old, const struct loaded *l)
{
	_cleanup_(loaded_done) struct loaded before = {};
	struct bench_run was, is = {l->doc, l->judged};
	json_auto_t *rows = NULL;
	int r = load(old, &before);

	if (r < 0)
		return r;
	was = (struct bench_run){before.doc, before.judged};
	rows = bench_compare(&was, &is);
	if (!rows)
		return -ENOMEM;
	return cli->json ? table_json(rows) : bench_compare_print(&was, &is, rows);
}

static int run_report(const struct cli *cli, const struct cli_args *args)
{
	const char *page = args_text(args, "html"), *old = args_text(args, "compare");
	_cleanup_(loaded_done) struct loaded l = {};
	int r;

	if (load(args->operand[0], &l) < 0)
		return CLI_FAILED;
	if (old)
		r = compare(cli, old, &l);
	else if (page)
		r = write_page(&l, page);
	else if (args_text(args, "markdown"))
		r = bench_text_markdown(stdout, l.doc, l.judged);
	else if (args_text(args, "summary"))
		r = (bench_text_summary(stdout, l.doc, l.judged), 0);
	else
		r = cli->json ? print_json(&l) : bench_text_print(l.doc, l.judged);
	return r < 0 ? CLI_FAILED : CLI_OK;
}

static const struct cli_opt report_opts[] = {
	{"html", CLI_TEXT, "OUT", NULL, 0, 0, "write it as one page that needs nothing else"},
	{"compare", CLI_TEXT, "OLD", NULL, 0, 0, "what FILE has changed against this earlier one"},
	{"summary", CLI_FLAG, NULL, NULL, 0, 0, "five lines, for a pull request"},
	{"markdown", CLI_FLAG, NULL, NULL, 0, 0, "as docs/benchmarks.md has it"},
	{},
};

const struct cli_cmd cmd_bench_report[] = {
	{"bench report", "FILE", "the result of a benchmark, judged against the goals", report_opts,
	 run_report},
	{},
};

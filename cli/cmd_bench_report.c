/* SPDX-License-Identifier: BSD-3-Clause */
/* bench report: the result of a benchmark as text, as a page, or against another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cli/args.h>
#include "bench_compare.h"
#include "bench_hgrm.h"
#include "bench_page.h"
#include "bench_text.h"
#include "table.h"

#define WHO "sriovctl bench report"

/* The file's object, with verdicts as they are made today. */
static int print_json(const struct bench_result *result)
{
	int r = bench_judge_write(result->judged, result->doc->root);

	return r < 0 ? r : table_json(result->doc->root);
}

static const char *place_of(const struct bench_doc *doc)
{
	return doc->guest ? "inside a guest" : "on the host";
}

static int compare(const struct cli *cli, const char *old, const struct bench_result *result)
{
	_cleanup_(bench_result_done) struct bench_result before = {};
	struct bench_run was, is = {result->doc, result->judged};
	json_auto_t *rows = NULL;
	int r = bench_result_read(WHO, old, &before);

	if (r < 0)
		return r;
	if (before.doc->guest != result->doc->guest) {
		fprintf(stderr,
			WHO ": %s was measured %s, the other %s: their figures do not compare\n",
			old, place_of(before.doc), place_of(result->doc));
		return -EINVAL;
	}
	was = (struct bench_run){before.doc, before.judged};
	rows = bench_compare(&was, &is);
	if (!rows)
		return -ENOMEM;
	return cli->json ? table_json(rows) : bench_compare_print(&was, &is, rows);
}

static int give(const struct cli *cli, const struct cli_args *args,
		const struct bench_result *result)
{
	const char *page = args_text(args, "html"), *old = args_text(args, "compare");
	const char *hist = args_text(args, "hist");

	if (old)
		return compare(cli, old, result);
	if (page)
		return bench_page_write(WHO, result, page);
	if (hist)
		return bench_hgrm_all(WHO, result->doc, hist);
	if (args_text(args, "markdown"))
		return bench_text_markdown(stdout, result->doc, result->judged);
	if (args_text(args, "summary")) {
		bench_text_summary(stdout, result->doc, result->judged);
		return 0;
	}
	return cli->json ? print_json(result) : bench_text_print(result->doc, result->judged);
}

static int run_report(const struct cli *cli, const struct cli_args *args)
{
	_cleanup_(bench_result_done) struct bench_result result = {};

	if (bench_result_read(WHO, args->operand[0], &result) < 0)
		return CLI_FAILED;
	return give(cli, args, &result) < 0 ? CLI_FAILED : CLI_OK;
}

static const struct cli_opt report_opts[] = {
	{"html", CLI_TEXT, "OUT", NULL, 0, 0, "write it as one page that needs nothing else"},
	{"hist", CLI_TEXT, "DIR", NULL, 0, 0,
	 "write its histograms there, for HdrHistogram's plotter"},
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

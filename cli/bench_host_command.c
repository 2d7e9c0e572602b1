/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_host.h"
#include "bench_host_command.h"
#include "bench_page.h"
#include "bench_text.h"
#include "table.h"

struct outputs {
	const struct cli *cli;
	const char *json;
	const char *html;
};

/* Said at once, not after half an hour; what is there stays until there is something better. */
static bool writable(const char *file)
{
	_cleanup_(fd_closep) int fd = -1;

	if (!file)
		return true;
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		fprintf(stderr, "sriovctl bench: cannot write %s: %s\n", file,
			strerrordesc_np(errno));
	return fd >= 0;
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
		fprintf(stderr, "sriovctl bench: cannot write %s: %s\n", file,
			strerrordesc_np(errno));
	return r;
}

/* The file first: whatever becomes of the rest, the measurements are not lost. */
static int give(json_t *report, void *userdata)
{
	_cleanup_(bench_result_done) struct bench_result result = {};
	const struct outputs *out = userdata;
	int r = 0;

	if (out->json)
		r = write_json(report, out->json);
	if (bench_result_decode("sriovctl bench", report, &result) < 0)
		return -EBADMSG;
	if (out->html && bench_page_write("sriovctl bench", &result, out->html) < 0)
		r = -EIO;
	if ((out->cli->json ? table_json(report) : bench_text_print(result.doc, result.judged)) < 0)
		r = -EIO;
	return r;
}

static json_t *command_line(const struct bh_options *opt, const struct cli_args *args)
{
	json_t *list = json_pack("[s, s, s]", "sriovctl", "bench", "--host");

	if (list && opt->quick)
		json_array_append_new(list, json_string("--quick"));
	if (list && !opt->quick)
		json_array_append_new(list, json_string("--full"));
	if (list && opt->rounds)
		json_array_append_new(list, json_sprintf("--rounds %u", opt->rounds));
	if (list && opt->only)
		json_array_append_new(list, json_sprintf("--paths %s", opt->only));
	if (list && opt->bdf)
		json_array_append_new(list, json_sprintf("--bdf %s", opt->bdf));
	if (list && args_text(args, "seed"))
		json_array_append_new(list, json_sprintf("--seed %s", args_text(args, "seed")));
	return list;
}

int bench_host_command(const struct cli *cli, const struct cli_args *args)
{
	struct outputs out = {
		.cli = cli,
		.json = args_text(args, "output"),
		.html = args_text(args, "html"),
	};
	struct bh_options opt = {
		.quick = !args_text(args, "full"),
		.rounds = (unsigned int)args_number(args, "rounds", 0),
		.seed = args_number(args, "seed", (uint64_t)time(NULL) ^ (uint64_t)getpid() << 20),
		.only = args_text(args, "paths"),
		.bdf = args_text(args, "bdf"),
		.libexec = args_text(args, "libexec-dir"),
	};
	int status;

	if (args_text(args, "full") && args_text(args, "quick")) {
		fprintf(stderr, "sriovctl bench: --quick or --full, not both\n");
		return CLI_USAGE;
	}
	if (!writable(out.json) || !writable(out.html))
		return CLI_FAILED;
	opt.command = command_line(&opt, args);
	if (!opt.command)
		return CLI_FAILED;
	status = bh_main(&opt, give, &out);
	json_decref(opt.command);
	return status;
}

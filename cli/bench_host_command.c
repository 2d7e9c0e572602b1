/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bench_host.h"
#include "bench_host_command.h"
#include "bench_output.h"

static int give(json_t *report, void *userdata)
{
	return bench_output(userdata, report, NULL);
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
	struct bench_outputs out = {
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
	if (!bench_output_check(&out))
		return CLI_FAILED;
	opt.command = command_line(&opt, args);
	if (!opt.command)
		return CLI_FAILED;
	status = bh_main(&opt, give, &out);
	json_decref(opt.command);
	return status;
}

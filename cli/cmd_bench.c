/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include <cli/args.h>
#include "bench.h"
#include "bench_host_command.h"
#include "bench_output.h"
#include "interrupt.h"

static void calibrate(struct bench *b)
{
	int r = calib_run(&b->calib);

	if (r < 0) {
		fprintf(stderr, "bench: core-to-core round trip not measured: %s\n", strerror(-r));
		return;
	}
	b->have_calib = true;
	fprintf(stderr,
		"bench: core-to-core round trip %.0f ns median, %.0f ns best (CPUs %u and %u)\n",
		b->calib.rtt_median_ns, b->calib.rtt_min_ns, b->calib.cpu[0], b->calib.cpu[1]);
}

static json_t *command_line(const struct cli_args *args)
{
	static const char *const flags[] = {"quick", "full"};
	static const char *const values[] = {"rounds", "samples", "pf", "seed"};
	json_t *list = json_pack("[s, s]", "sriovctl", "bench");

	for (size_t i = 0; list && i < sizeof(flags) / sizeof(*flags); i++)
		if (args_text(args, flags[i]))
			json_array_append_new(list, json_sprintf("--%s", flags[i]));
	for (size_t i = 0; list && i < sizeof(values) / sizeof(*values); i++)
		if (args_text(args, values[i]))
			json_array_append_new(list, json_sprintf("--%s %s", values[i],
								 args_text(args, values[i])));
	return list;
}

/* Long blocks unless it is to be quick, and few rounds unless it is to be full. */
static void plan(struct bench *b, const struct cli_args *args)
{
	unsigned int rounds = (unsigned int)args_number(args, "rounds", 0);

	if (!rounds && !args_text(args, "full")) {
		bh_plan_init(&b->plan, true, 0);
		rounds = b->plan.rounds;
	}
	bh_plan_init(&b->plan, args_text(args, "quick"), rounds);
	/* curves are for the generator of the host bench */
	b->plan.curve_rounds = 0;
	b->samples = args_number(args, "samples", b->plan.quick ? 15000 : 200000);
	b->seed = args_number(args, "seed", (uint64_t)time(NULL) ^ (uint64_t)getpid() << 20);
}

/* What was measured is told, also when something went wrong later. */
static int give(struct bench *b, const struct bench_outputs *out, int ended)
{
	json_auto_t *report = NULL;

	if (!json_array_size(b->blocks))
		return ended;
	if (ended < 0)
		json_array_append_new(b->notes,
				      json_sprintf("the run ended early: %s",
						   *b->why ? b->why : strerrordesc_np(-ended)));
	report = bench_report(b);
	if (!report) {
		fprintf(stderr, "sriovctl bench: no report: out of memory\n");
		return -ENOMEM;
	}
	return bench_output(out, report, bench_print);
}

static int run_guest(struct bench *b, const struct bench_outputs *out)
{
	const volatile sig_atomic_t *stop = b->cli->stop;
	int cleaned, r;

	/* before anything of ours spins */
	calibrate(b);
	r = *stop ? -EINTR : bench_setup(b);
	if (r >= 0)
		r = bench_rounds(b);
	if (r >= 0)
		r = bench_trace(b);
	cleaned = bench_clean(b);
	if (r == -EINTR || *stop)
		return CLI_INTERRUPTED;
	for (unsigned int i = 0; i < BENCH_PATHS; i++)
		if (b->path[i].failed)
			cleaned = -EIO;
	return give(b, out, r) < 0 || r < 0 || cleaned < 0 ? CLI_FAILED : CLI_OK;
}

static int run_bench(const struct cli *caller, const struct cli_args *args)
{
	json_auto_t *command = NULL;
	struct cli cli = *caller;
	static struct bench b;
	struct bench_outputs out = {
		.cli = &cli,
		.json = args_text(args, "output"),
		.html = args_text(args, "html"),
	};

	if (args_text(args, "host"))
		return bench_host_command(caller, args);
	if (args_text(args, "full") && args_text(args, "quick")) {
		fprintf(stderr, "sriovctl bench: --quick or --full, not both\n");
		return CLI_USAGE;
	}
	command = command_line(args);
	if (!command || bench_init(&b, &cli, args_text(args, "pf")) < 0)
		return CLI_FAILED;
	b.command = command;
	plan(&b, args);
	if (api_call(&cli, "GET", "/v1/status", NULL, API_TIMEOUT_MS, NULL) < 0)
		return CLI_FAILED;
	cli.stop = interrupt_catch();
	if (bench_clean(&b) < 0 || bench_check(&b) < 0 || !bench_output_check(&out))
		return CLI_FAILED;
	return run_guest(&b, &out);
}

static const struct cli_opt bench_opts[] = {
	{"rounds", CLI_UINT, "N", NULL, 1, BENCH_ROUNDS_MAX,
	 "rounds; each visits every path (9, with --full 30)"},
	{"samples", CLI_UINT, "N", NULL, 1, 100000000,
	 "round trips a path, in all (200000); ten times as many where nothing traps"},
	{"pf", CLI_TEXT, "PF", NULL, 0, 0, "whose VFs to measure; without it the first PF"},
	{"quick", CLI_FLAG, NULL, NULL, 0, 0, "short blocks, 15000 round trips"},
	{"full", CLI_FLAG, NULL, NULL, 0, 0,
	 "30 rounds; of the host with all curves, half an hour"},
	{"output", CLI_TEXT, "FILE", NULL, 0, 0, "write the JSON report there too"},
	{"html", CLI_TEXT, "FILE", NULL, 0, 0, "write it there as one page"},
	{"seed", CLI_UINT, "N", NULL, 0, UINT32_MAX, "of the order of paths (random)"},
	{"host", CLI_FLAG, NULL, NULL, 0, 0,
	 "on the host, without VM and sriovd, beside its rivals"},
	{"paths", CLI_TEXT, "NAME,...", NULL, 0, 0, "of the host: these and no others"},
	{"bdf", CLI_TEXT, "BDF,BDF", NULL, 0, 0,
	 "of the host: two VFs on vfio-pci, for paths vfio and igb-vf"},
	{"libexec-dir", CLI_TEXT, "DIR", NULL, 0, 0, "of the host: where soft-nic and others are"},
	{},
};

const struct cli_cmd cmd_bench[] = {
	{"bench", "", "measure VF, virtio and emulated NIC side by side in one guest", bench_opts,
	 run_bench},
	{},
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include <cli/args.h>
#include "bench.h"
#include "bench_host_command.h"
#include "interrupt.h"
#include "table.h"

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

static int write_report(const json_t *report, const char *file)
{
	FILE *f = fopen(file, "we");
	int r = 0;

	if (!f || json_dumpf(report, f, JSON_INDENT(2)) < 0 || fputc('\n', f) == EOF)
		r = -EIO;
	if (f && fclose(f))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "sriovctl bench: cannot write %s: %s\n", file, strerror(errno));
	return r;
}

/* Results are complete: print and store them. */
static int give_report(struct bench *b, const struct cli *cli, const char *file)
{
	json_auto_t *report = bench_report(b);
	int r;

	if (!report) {
		fprintf(stderr, "sriovctl bench: no report: out of memory\n");
		return -ENOMEM;
	}
	r = cli->json ? table_json(report) : bench_print(report);
	if (r >= 0 && file)
		r = write_report(report, file);
	return r;
}

static int run_bench(const struct cli *caller, const struct cli_args *args)
{
	bool quick = args_text(args, "quick");
	uint64_t rounds = args_number(args, "rounds", quick ? 3 : 9);
	uint64_t samples = args_number(args, "samples", quick ? 15000 : 200000);
	struct cli cli = *caller;
	static struct bench b;
	int cleaned, r;

	if (args_text(args, "host"))
		return bench_host_command(caller, args);
	bench_init(&b, &cli, args_text(args, "pf"), rounds, samples);
	if (api_call(&cli, "GET", "/v1/status", NULL, API_TIMEOUT_MS, NULL) < 0)
		return CLI_FAILED;
	cli.stop = interrupt_catch();
	if (bench_clean(&b) < 0 || bench_check(&b) < 0)
		return CLI_FAILED;
	/* before anything of ours spins */
	calibrate(&b);
	r = *cli.stop ? -EINTR : bench_setup(&b);
	if (r >= 0)
		r = bench_rounds(&b);
	if (r >= 0)
		r = bench_trace(&b);
	cleaned = bench_clean(&b);
	if (r >= 0)
		r = give_report(&b, &cli, args_text(args, "output"));
	if (r == -EINTR || (r < 0 && *cli.stop))
		return CLI_INTERRUPTED;
	return r < 0 || cleaned < 0 ? CLI_FAILED : CLI_OK;
}

static const struct cli_opt bench_opts[] = {
	{"rounds", CLI_UINT, "N", NULL, 1, BENCH_ROUNDS_MAX, "rounds; each visits every path (9)"},
	{"samples", CLI_UINT, "N", NULL, 1, 100000000,
	 "round trips a path, in all (200000); ten times as many where nothing traps"},
	{"pf", CLI_TEXT, "PF", NULL, 0, 0, "whose VFs to measure; without it the first PF"},
	{"quick", CLI_FLAG, NULL, NULL, 0, 0, "3 rounds, 15000 round trips; of the host: a minute"},
	{"output", CLI_TEXT, "FILE", NULL, 0, 0, "write the JSON report there too"},
	{"host", CLI_FLAG, NULL, NULL, 0, 0,
	 "on the host, without VM and sriovd, beside its rivals"},
	{"full", CLI_FLAG, NULL, NULL, 0, 0, "of the host: 30 rounds and all curves, half an hour"},
	{"paths", CLI_TEXT, "NAME,...", NULL, 0, 0, "of the host: these and no others"},
	{"bdf", CLI_TEXT, "BDF,BDF", NULL, 0, 0,
	 "of the host: two VFs on vfio-pci, for paths vfio and igb-vf"},
	{"html", CLI_TEXT, "FILE", NULL, 0, 0, "of the host: write the report there"},
	{"seed", CLI_UINT, "N", NULL, 0, UINT32_MAX, "of the host: the order of paths (random)"},
	{"libexec-dir", CLI_TEXT, "DIR", NULL, 0, 0, "of the host: where soft-nic and others are"},
	{},
};

const struct cli_cmd cmd_bench[] = {
	{"bench", "", "measure VF, virtio and emulated NIC side by side in one guest", bench_opts,
	 run_bench},
	{},
};

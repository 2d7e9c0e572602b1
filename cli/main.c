/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sriovctl: parse, ask sriovd, print. Everything it knows comes from the API (docs/api.md),
 * except for doctor, which looks at the host itself, and the tracepoints of top and bench.
 */
#include <stdio.h>
#include <stdlib.h>

#include <cli/args.h>

int main(int argc, char **argv)
{
	static const struct cli_cmd *const tables[] = {
		cmd_pf,	   cmd_vf,  cmd_net,	cmd_vm,	    cmd_attach, cmd_bench_report,
		cmd_bench, cmd_top, cmd_daemon, cmd_doctor, cmd_events, NULL,
	};
	const char *env = getenv("SRIOVD_SOCKET");
	struct cli cli = {.socket = env && *env ? env : CLI_SOCKET};
	struct cli_args args;
	int status;

	switch (args_parse(argc, argv, tables, &cli, &args)) {
	case ARGS_DONE:
		return CLI_OK;
	case ARGS_USAGE:
		return CLI_USAGE;
	case ARGS_RUN:
		break;
	}
	status = args.cmd->run(&cli, &args);
	/* a full disk or a closed pipe must not look like success */
	if (fflush(stdout) || ferror(stdout)) {
		perror("sriovctl: writing the output");
		return CLI_FAILED;
	}
	return status;
}

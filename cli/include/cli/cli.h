#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the commands of sriovctl share: the parsed command line, the way to ask sriovd, and the list
 * of commands. A command turns its options into one API call, prints the answer and returns the
 * exit status; it holds no state of its own. Exit status: 0 done, 1 refused or failed, 2 wrong
 * usage.
 */
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_OPTS_MAX	 16u
#define CLI_OPERANDS_MAX 2u
#define CLI_LIST_MAX	 8u
#define CLI_SOCKET	 "/run/sriovd/sriovd.sock"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_INTERRUPTED = 130, /* as shells report SIGINT */
};

/* What all commands know: where sriovd listens and how to print. */
struct cli {
	const char *socket;
	bool json;
	const volatile sig_atomic_t *stop; /* may be NULL: a signal that ends waiting */
};

enum cli_opt_type {
	CLI_FLAG,
	CLI_UINT,
	CLI_ONOFF,
	CLI_TEXT,
	CLI_CHOICE, /* one of the words of value, separated by | */
	CLI_LIST,   /* text, may be given again; one such option a command, the command reads it */
};

struct cli_opt {
	const char *name; /* without dashes; NULL ends a table */
	enum cli_opt_type type;
	const char *value; /* how help names the value */
	const char *key;   /* key of the API request; NULL: the command reads it itself */
	uint64_t min, max; /* CLI_UINT: what is allowed */
	const char *help;
};

struct cli_args;

struct cli_cmd {
	const char *name;     /* "pf set" */
	const char *operands; /* "PF", "NET VM"; all are required, but for "[VM]" */
	const char *help;
	const struct cli_opt *opts; /* NULL: only the common ones */
	int (*run)(const struct cli *cli, const struct cli_args *args);
};

struct cli_args {
	const struct cli_cmd *cmd;
	const char *operand[CLI_OPERANDS_MAX];
	const char *value[CLI_OPTS_MAX]; /* by index in cmd->opts; flags: "" */
	const char *list[CLI_LIST_MAX];	 /* of the CLI_LIST option */
	unsigned int n_list;
};

/* Every module ends its table with a NULL name. */
extern const struct cli_cmd cmd_pf[];
extern const struct cli_cmd cmd_vf[];
extern const struct cli_cmd cmd_net[];
extern const struct cli_cmd cmd_vm[];
extern const struct cli_cmd cmd_attach[];
extern const struct cli_cmd cmd_daemon[];
extern const struct cli_cmd cmd_bench[];
extern const struct cli_cmd cmd_bench_report[]; /* before cmd_bench: "bench report" */
extern const struct cli_cmd cmd_doctor[];
extern const struct cli_cmd cmd_events[];
extern const struct cli_cmd cmd_top[];
